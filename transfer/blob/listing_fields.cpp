#include "transfer/blob/listing_fields.hpp"

#include <cstring>

namespace act::blob {
namespace {

struct named {
    std::string_view element;
    field what;
};

template <std::size_t N>
field find(const named (&table)[N], std::string_view element) {
    for (const auto& n : table) {
        if (n.element.size() == element.size() &&
            std::memcmp(n.element.data(), element.data(), element.size()) == 0) {
            return n.what;
        }
    }
    return field::none;
}

constexpr named in_blob[] = {
    {"Name", field::name},
    {"Snapshot", field::snapshot},
    {"VersionId", field::version_id},
    {"IsCurrentVersion", field::current_version},
    {"Deleted", field::deleted},
};

constexpr named in_properties[] = {
    {"Creation-Time", field::creation_time},
    {"Last-Modified", field::last_modified},
    {"Etag", field::etag},
    {"Content-Length", field::content_length},
    {"Content-Type", field::content_type},
    {"Content-Encoding", field::content_encoding},
    {"Content-Language", field::content_language},
    {"Content-MD5", field::content_md5},
    {"Content-Disposition", field::content_disposition},
    {"Cache-Control", field::cache_control},
    {"BlobType", field::blob_type},
    {"AccessTier", field::tier},
    {"LeaseStatus", field::lease_status},
    {"LeaseState", field::lease_state},
    {"ResourceType", field::resource_type},
    {"CopyId", field::copy_id},
    {"CopyStatus", field::copy_status},
    {"CopyProgress", field::copy_progress},
    {"CopyStatusDescription", field::copy_description},
};

}  // namespace

field entry_field(std::string_view element) { return find(in_blob, element); }
field property_field(std::string_view element) { return find(in_properties, element); }

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
        case field::etag:
            p.etag = etag::from_listing(s);
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
        case field::lease_status:
            p.lease_status = s;
            break;
        case field::lease_state:
            p.lease_state = s;
            break;
        case field::resource_type:
            p.is_directory = s == "directory";
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
