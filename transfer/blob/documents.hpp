#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "transfer/blob/types.hpp"

/// The small documents of the Blob service, both ways: the client writes what the store reads, and the other
/// way.
namespace act::blob {

using tags = std::map<std::string, std::string>;

/// Put Block List's body (section 6.4): where a block is looked for.
enum class block_source { latest, committed, uncommitted };
struct block_reference {
    std::string id;
    block_source source = block_source::latest;
};
std::string write_block_references(std::span<const std::string> ids);
/// At most max_blocks are read; one more makes it an error of kind::usage with code BlockListTooLong.
result<std::vector<block_reference>> read_block_references(std::string_view document);

/// Get Block List's answer (section 6.5). Lists that were not asked for are left out.
std::string write_block_list(const block_list&, bool committed, bool uncommitted);
result<block_list> read_block_list(std::string_view document);

/// Get Page Ranges' answer (section 6.7): what of a page blob was written, in order and without touching
/// ranges; all else is zeros. kind::protocol for ranges out of order.
struct page_list {
    std::vector<range> ranges;
    std::string next_marker;
};
result<page_list> read_page_list(std::string_view document);

/// Tags as a document (section 9) and as the x-ms-tags header (a query string).
std::string write_tags(const tags&);
result<tags> read_tags(std::string_view document);
/// Percent-encoded "k=v&k2=v2".
std::string tags_header(const tags&);
/// kind::usage for more than 10, or for keys and values that the service refuses.
result<void> check_tags(const tags&);

/// What the account's properties (Get and Set Blob Service Properties) say of soft delete: for how many days
/// what was deleted is kept, 0: it is not; nothing when they do not tell.
result<std::optional<std::uint32_t>> read_soft_delete(std::string_view document);

/// List Containers (section 10).
struct container_entry {
    std::string name;
    blob::etag etag;
    wall_time modified{};
    blob::metadata metadata;
    std::string lease_status, lease_state;
};
struct container_page {
    std::vector<container_entry> items;
    std::string next_marker;
};
result<container_page> read_containers(std::string_view document);

}  // namespace act::blob
