#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/codec/hash.hpp"
#include "transfer/blob/types.hpp"

namespace act::plan {

/// What our block ids say (DESIGN 3.1): 28 bytes, base64: "act\1", index, length, XXH3-128 of the content,
/// all big-endian. The service is the journal: a listed id tells that just this content is there, at this
/// place.
struct block_id {
    std::uint32_t index = 0;
    std::uint32_t length = 0;
    codec::hash128 hash;
    friend bool operator==(const block_id&, const block_id&) = default;
};

std::string to_string(const block_id&);
/// Nothing for ids that other tools made.
std::optional<block_id> parse_block_id(std::string_view base64);

/// Ids for the copy of another tool's blob (DESIGN 3.1): "act\2", index, length, XXH3-128 of what the source
/// is. The same bytes of the same version of the same source have the same id, so that an interrupted copy
/// goes on; nothing is claimed about the content, so parse_block_id() does not take them.
std::string copied_block_id(std::uint32_t index, std::uint32_t length, const codec::hash128& source);
/// What stands for a version of a blob in these ids: its account, container, name and ETag.
codec::hash128 source_identity(std::string_view account, const blob::address&, const blob::etag&);

/// Whether an id is as long as those of both forms: all uncommitted ids of a blob must be of one length.
bool has_our_length(std::string_view base64);

struct block_range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// The block size for a file: `wanted` (0: 8 MiB), or the next MiB that keeps it within 50,000 blocks. At
/// most 4000 MiB.
std::uint64_t block_size_for(std::uint64_t file_size, std::uint64_t wanted);
std::vector<block_range> split(std::uint64_t file_size, std::uint64_t block_size);

/// The blocks of a blob whose every id is ours, in order, and together just `size` long; else nothing.
std::optional<std::vector<block_id>> own_layout(const std::vector<blob::block_entry>& committed,
                                                std::uint64_t size);

}  // namespace act::plan
