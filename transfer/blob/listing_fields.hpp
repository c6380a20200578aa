#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "transfer/blob/detail.hpp"
#include "transfer/blob/types.hpp"

/// Internal to listing.cpp: what listings are made of, and which element fills which property.
namespace act::blob {

/// What a byte can be on the fast lanes.
inline constexpr std::uint8_t byte_in_name = 1, byte_ends_text = 2;
inline constexpr std::array<std::uint8_t, 256> byte_classes = [] {
    std::array<std::uint8_t, 256> t{};
    for (char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")) {
        t[static_cast<unsigned char>(c)] = byte_in_name;
    }
    t['<'] = t['&'] = byte_ends_text;
    return t;
}();
inline bool in_name(char c) { return byte_classes[static_cast<unsigned char>(c)] == byte_in_name; }
inline bool ends_text(char c) { return byte_classes[static_cast<unsigned char>(c)] == byte_ends_text; }

/// The elements that mean something, by where they stand; `skip` is everything else, with all that is in it.
enum class place : std::uint8_t {
    results,
    blobs,
    blob,
    properties,
    metadata,
    tags,
    tag_set,
    tag,
    leaf,
    skip
};

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
    deleted_time,
    deletion_id,
    remaining_days,
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
    key_sha256,
    encryption_scope,
};

/// Of elements directly in <Blob>, and of those in its <Properties>; field::none for what is passed over.
field entry_field(std::string_view element);
field property_field(std::string_view element);
/// Of elements in place::blob, properties and metadata, as far as a listing of this detail has a use for
/// them.
field field_of(place, std::string_view element, detail);
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
