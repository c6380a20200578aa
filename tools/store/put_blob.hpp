#pragma once

#include <unordered_set>

#include "tools/store/conditions.hpp"
#include "tools/store/headers.hpp"
#include "tools/store/past.hpp"
#include "tools/store/receive.hpp"

namespace act::store {

/// Up to this size a Put Blob gets a Content-MD5: what clients send in one request, and compare by. (The
/// service computes it at any size; MD5 runs at 0.7 GiB/s a core and would be the slowest part of the store.
/// blob-rest.md section 15.)
inline constexpr std::uint64_t md5_up_to = 4 * MiB;

/// The container and what stands at the blob's name, after all checks that writing a whole new blob must
/// pass.
struct place {
    container_record container;
    std::optional<blob_record> old;
    protection kept;
    nanos version = 0;              ///< of what will be written; 0: the account keeps none
    std::uint32_t snapshots = 0;    ///< of the name
    std::string key_sha256, scope;  ///< what it will be encrypted with
    bool directory = false;         ///< what is written is one
};
/// `copied`: the metadata of the source of a copy.
outcome<place> check_replace(const reader&, const call&, std::string_view copied = {});
/// A directory has no content.
outcome<> check_content(const place&, blob::blob_type, std::uint64_t size);

/// A record for what replaces `place`: dates, ETag, lease, encryption, snapshots carried over. The old
/// content is not released yet.
blob_record successor(const call&, const place&, blob::blob_type);
/// Writes `record` over `place`: releases the old content, unless the account keeps it, and discards
/// uncommitted blocks.
void replace(writer&, const call&, const place&, const blob_record&);
/// Removes the blocks that are staged for a blob, if any. The references of those in `moved` (ids) have a new
/// owner.
void discard_upload(writer&, std::uint64_t container, std::string_view name,
                    const std::unordered_set<std::string>* moved = nullptr);

/// Before a large body is read: whether it could be stored at all.
outcome<> check_before_body(service&, const call&);

}  // namespace act::store
