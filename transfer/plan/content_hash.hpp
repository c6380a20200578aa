#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transfer/plan/block_id.hpp"

/// What manifests write about content: "ALGORITHM:VALUE", in whichever form is known without reading the
/// content once more.
///
///   xxh3-128:HEX          of the whole
///   xxh3-128/LENGTH:HEX   XXH3-128 over the XXH3-128s (16 bytes each) of its blocks, of LENGTH bytes but for
///                         the last
///   md5:BASE64            of the whole, as the service keeps it
///   crc64:HEX             of the whole
namespace act::plan {

struct content_hash {
    enum class form { whole, blocks, md5, crc64 };
    form form = form::whole;
    std::uint64_t block = 0;  ///< of form::blocks
    std::string text;         ///< all of it, as above
};

/// Nothing for what is none of the forms.
std::optional<content_hash> parse_content_hash(std::string_view);

std::string whole_hash(const codec::hash128&);
std::string md5_hash(std::string_view base64);  ///< empty for an empty one
std::string crc64_hash(std::uint64_t);
/// Of one block: the form of the whole. Empty when the blocks are not of one length (the last may be
/// shorter).
std::string blocks_hash(const std::vector<block_id>&);
/// The same from ids as the service has them; empty when one of them is not ours.
std::string blocks_hash(const std::vector<std::string>& ids);

}  // namespace act::plan
