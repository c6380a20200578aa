#include "transfer/blob/listing_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace act::blob {
namespace {

struct named {
    std::string_view element;
    field what;
};

constexpr named in_blob[] = {
    {"Name", field::name},
    {"Deleted", field::deleted},
    {"Snapshot", field::snapshot},
    {"VersionId", field::version_id},
    {"DeletionId", field::deletion_id},
    {"IsCurrentVersion", field::current_version},
};

constexpr named in_properties[] = {
    {"Etag", field::etag},
    {"CopyId", field::copy_id},
    {"BlobType", field::blob_type},
    {"AccessTier", field::tier},
    {"LeaseState", field::lease_state},
    {"CopyStatus", field::copy_status},
    {"LeaseStatus", field::lease_status},
    {"DeletedTime", field::deleted_time},
    {"Content-MD5", field::content_md5},
    {"Content-Type", field::content_type},
    {"CopyProgress", field::copy_progress},
    {"ResourceType", field::resource_type},
    {"Creation-Time", field::creation_time},
    {"Last-Modified", field::last_modified},
    {"Cache-Control", field::cache_control},
    {"ArchiveStatus", field::archive_status},
    {"Content-Length", field::content_length},
    {"EncryptionScope", field::encryption_scope},
    {"Content-Encoding", field::content_encoding},
    {"Content-Language", field::content_language},
    {"AccessTierInferred", field::tier_inferred},
    {"Content-Disposition", field::content_disposition},
    {"CopyStatusDescription", field::copy_description},
    {"RemainingRetentionDays", field::remaining_days},
    {"CustomerProvidedKeySha256", field::key_sha256},
};

/// Where the names of each length begin in a table that is sorted by length.
template <std::size_t N>
constexpr std::array<std::uint8_t, 33> index(const named (&table)[N]) {
    std::array<std::uint8_t, 33> first{};
    std::size_t at = 0;
    for (std::size_t size = 0; size < first.size(); ++size) {
        while (at < N && table[at].element.size() < size) ++at;
        first[size] = static_cast<std::uint8_t>(at);
    }
    return first;
}
constexpr auto blob_index = index(in_blob);
constexpr auto properties_index = index(in_properties);

template <std::size_t N>
field find(const named (&table)[N], const std::array<std::uint8_t, 33>& first, std::string_view element) {
    if (element.size() + 1 >= first.size()) return field::none;
    for (std::size_t i = first[element.size()]; i < first[element.size() + 1]; ++i) {
        if (table[i].element == element) return table[i].what;
    }
    return field::none;
}

/// Metadata that says that a blob is a folder, which is a flag of any detail.
bool tells_folder(std::string_view key) {
    constexpr std::string_view name = "hdi_isfolder";
    return std::equal(key.begin(), key.end(), name.begin(), name.end(),
                      [](char c, char lower) { return (c >= 'A' && c <= 'Z' ? c + 32 : c) == lower; });
}

}  // namespace

field entry_field(std::string_view element) { return find(in_blob, blob_index, element); }
field property_field(std::string_view element) { return find(in_properties, properties_index, element); }

field field_of(place at, std::string_view element, detail wanted) {
    if (at == place::blob) return entry_field(element);
    if (at == place::metadata) {
        if (element == "x-ms-invalid-name") return field::none;
        return wanted == detail::full || tells_folder(element) ? field::metadatum : field::none;
    }
    const field what = property_field(element);
    if (wanted == detail::full) return what;
    switch (what) {
        case field::content_length:
        case field::last_modified:
        case field::etag:
        case field::blob_type:
        case field::resource_type:
        case field::copy_id:
        case field::copy_status:
        case field::copy_progress:
        case field::copy_description:
        case field::deleted_time:
        case field::remaining_days:
            return what;
        default:
            return field::none;
    }
}

void assign_text(properties& p, field what, std::string_view s) {
    switch (what) {
        case field::snapshot:
            p.snapshot = s;
            break;
        case field::version_id:
            p.version_id = s;
            break;
        case field::current_version:
            p.current_version = s == "true";
            break;
        case field::deleted:
            p.deleted = s == "true";
            break;
        case field::deleted_time:
            p.deleted_at = parse_http_date(s);
            break;
        case field::remaining_days:
            std::from_chars(s.data(), s.data() + s.size(), p.remaining_days);
            break;
        case field::content_type:
            p.content.type = s;
            break;
        case field::content_encoding:
            p.content.encoding = s;
            break;
        case field::content_language:
            p.content.language = s;
            break;
        case field::content_md5:
            p.content.md5 = s;
            break;
        case field::content_disposition:
            p.content.disposition = s;
            break;
        case field::cache_control:
            p.content.cache_control = s;
            break;
        case field::blob_type:
            p.type = s == "AppendBlob" ? blob_type::append
                     : s == "PageBlob" ? blob_type::page
                                       : blob_type::block;
            break;
        case field::tier:
            p.tier = s;
            break;
        case field::tier_inferred:
            p.tier_inferred = s == "true";
            break;
        case field::archive_status:
            p.archive_status = s;
            break;
        case field::lease_status:
            p.lease_status = s;
            break;
        case field::lease_state:
            p.lease_state = s;
            break;
        case field::deletion_id:
            p.deletion_id = s;
            break;
        case field::resource_type:
            p.is_directory = s == "directory";
            p.hierarchical = p.is_directory || s == "file";
            break;
        case field::copy_id:
            p.copy_id = s;
            break;
        case field::copy_status:
            p.copy_status = s;
            break;
        case field::copy_progress:
            p.copy_progress = s;
            break;
        case field::copy_description:
            p.copy_description = s;
            break;
        case field::key_sha256:
            p.key_sha256 = s;
            break;
        case field::encryption_scope:
            p.encryption_scope = s;
            break;
        default:
            break;
    }
}

bool date_memo::parse(std::string_view text, wall_time& out) {
    if (size_ == text.size() && size_ != 0 && std::memcmp(text_, text.data(), size_) == 0) {
        out = value_;
        return true;
    }
    auto date = parse_http_date(text);
    if (!date) return false;
    out = value_ = *date;
    size_ = text.size() <= sizeof text_ ? text.size() : 0;
    std::memcpy(text_, text.data(), size_);
    return true;
}

}  // namespace act::blob
