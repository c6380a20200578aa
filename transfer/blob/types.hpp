#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.hpp"

/// The vocabulary of the Blob service (reference: blob-rest.md): plain values, no I/O.
namespace act::blob {

/// The protocol version this tool speaks (blob-rest.md section 2 says why).
inline constexpr const char* service_version = "2021-12-02";

inline constexpr std::uint64_t max_block = 4000ull << 20;
inline constexpr std::uint64_t max_put_blob = 5000ull << 20;
inline constexpr std::size_t max_blocks = 50'000;
/// The longest range for which the service answers with a checksum.
inline constexpr std::uint64_t max_checked_range = 4ull << 20;
inline constexpr std::size_t max_batch = 256;

/// An ETag with its quotes, as headers carry it. Listings leave the quotes out: use from_listing().
struct etag {
    std::string text;
    static etag from_listing(std::string_view);
    bool empty() const { return text.empty(); }
    friend bool operator==(const etag&, const etag&) = default;
};

using metadata = std::map<std::string, std::string>;  // keys in lower case

enum class blob_type { block, append, page };

struct content_headers {
    std::string type, encoding, language, disposition, cache_control;
    std::string md5;  ///< base64, as stored with the blob; empty: none
};

/// What a listing or a HEAD tells of a blob.
struct properties {
    std::string name;
    std::uint64_t size = 0;
    blob::etag etag;
    wall_time modified{};
    std::optional<wall_time> created;
    blob_type type = blob_type::block;
    content_headers content;
    blob::metadata metadata;
    std::map<std::string, std::string> tags;
    std::string tier;
    bool tier_inferred = false;  ///< the account's default, not set on the blob
    std::string archive_status;  ///< "rehydrate-pending-to-hot", while it leaves the archive tier
    std::string lease_status, lease_state;
    std::string snapshot, version_id;
    bool current_version = false;  ///< of a listing with versions: the one that a plain GET reads
    std::string copy_id, copy_status, copy_progress, copy_description;
    bool is_prefix = false;       ///< a BlobPrefix of a hierarchical listing; only the name is set
    bool is_directory = false;    ///< ResourceType directory, or metadata hdi_isfolder=true
    bool hierarchical = false;    ///< the account has real folders: it tells a resource type
    bool deleted = false;         ///< soft-deleted: not there, but it can be brought back
    unsigned remaining_days = 0;  ///< for so many more days
    std::optional<wall_time> deleted_at;
    std::string deletion_id;       ///< of what was deleted in an account with real folders
    std::string key_sha256;        ///< of the customer's key that it is encrypted with, base64; or empty
    std::string encryption_scope;  ///< empty: the account's own
    bool uncommitted = false;      ///< no ETag: only staged blocks (include=uncommittedblobs)
};

/// Conditions of one request; at most what blob-rest.md section 14 allows.
struct conditions {
    std::string if_match;       ///< ETag with quotes, or "*"
    std::string if_none_match;  ///< likewise
    std::optional<wall_time> if_modified_since, if_unmodified_since;
    std::string lease_id;
    static conditions matching(const etag& e) { return {.if_match = e.text}; }
    static conditions absent() { return {.if_none_match = "*"}; }
};

/// A blob or, with an empty name, a container.
struct address {
    std::string container;
    std::string name;
};

struct range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

struct block_entry {
    std::string id;  ///< base64, as on the wire
    std::uint64_t size = 0;
};

struct block_list {
    std::vector<block_entry> committed, uncommitted;
};

}  // namespace act::blob
