#pragma once

#include <cstdint>
#include <string_view>

#include "transfer/blob/types.hpp"

/// Internal to listing.cpp: which element of a listing fills which property.
namespace act::blob {

enum class field : std::uint8_t {
    none,
    next_marker,
    metadatum,
    tag_key,
    tag_value,
    name,
    snapshot,
    version_id,
    current_version,
    deleted,
    content_length,
    last_modified,
    creation_time,
    etag,
    content_type,
    content_encoding,
    content_language,
    content_md5,
    content_disposition,
    cache_control,
    blob_type,
    tier,
    tier_inferred,
    archive_status,
    lease_status,
    lease_state,
    copy_id,
    copy_status,
    copy_progress,
    copy_description,
    resource_type,
};

/// Of elements directly in <Blob>, and of those in its <Properties>; field::none for what is passed over.
field entry_field(std::string_view element);
field property_field(std::string_view element);
/// For the fields that are plain text or a word.
void assign_text(properties&, field, std::string_view);

/// Dates of neighbours are often equal, and parsing one costs as much as the rest of its element.
class date_memo {
public:
    bool parse(std::string_view text, wall_time& out);

private:
    char text_[32] = {};
    std::size_t size_ = 0;
    wall_time value_{};
};

}  // namespace act::blob
