#pragma once

#include "tools/store/catalog.hpp"
#include "tools/store/operation.hpp"

/// Between header fields and records.
namespace act::store {

outcome<container_record> existing_container(const reader&, const call&);

/// x-ms-meta-*, packed. Names keep their case.
outcome<std::string> read_metadata(const call&);
/// The x-ms-tags header or a tags document, packed.
outcome<std::string> read_tags_header(const call&);
outcome<std::string> read_tags_document(const call&);
/// x-ms-access-tier; tier::none when it is missing.
outcome<tier> read_tier(const call&);

/// What the headers of a write say of the new blob.
struct description {
    std::string metadata, tags;
    act::store::tier tier = act::store::tier::none;
    /// Fills the record's headers, metadata, tags and tier with views into this and the call, which both
    /// outlive it.
    void apply(const call&, blob_record&) const;
};
outcome<description> read_description(const call&);
/// x-ms-blob-content-* and x-ms-blob-cache-control alone. The plain Content-* headers of a Put Blob count if
/// `plain`.
void apply_content_headers(const call&, blob_record&, bool plain);

/// ETag and Last-Modified.
void add_version_headers(http::fields&, std::uint64_t etag, nanos modified);
/// x-ms-version-id, where there are versions.
void add_version_id(http::fields&, const blob_record&);
void add_lease_headers(http::fields&, const lease&, nanos now);
void add_metadata_headers(http::fields&, std::string_view metadata);
/// The answer to most changes of a blob.
reply changed(int status, const blob_record&);

}  // namespace act::store
