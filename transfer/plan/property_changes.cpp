#include "transfer/plan/property_changes.hpp"

#include <algorithm>

#include "transfer/blob/documents.hpp"
#include "transfer/blob/headers.hpp"

namespace act::plan {

namespace {

using text_map = std::map<std::string, std::string>;

struct header_field {
    std::string_view name;
    std::string blob::content_headers::*value;
};

constexpr header_field header_fields[] = {{"content-type", &blob::content_headers::type},
                                          {"content-encoding", &blob::content_headers::encoding},
                                          {"content-language", &blob::content_headers::language},
                                          {"content-disposition", &blob::content_headers::disposition},
                                          {"cache-control", &blob::content_headers::cache_control}};

constexpr std::string_view own_keys[] = {"mtime", "mode", "uid", "gid", "is_symlink", "hdi_isfolder"};

const header_field* find_header(std::string_view name) {
    const auto found = std::find_if(std::begin(header_fields), std::end(header_fields),
                                    [&](const header_field& f) { return f.name == name; });
    return found == std::end(header_fields) ? nullptr : found;
}

}  // namespace

text_map merged(text_map now, const text_map& changes) {
    for (const auto& [key, value] : changes) {
        if (value.empty()) {
            now.erase(key);
        } else {
            now[key] = value;
        }
    }
    return now;
}

blob::content_headers merged_headers(blob::content_headers now, const text_map& changes) {
    for (const auto& [name, value] : changes) now.*find_header(name)->value = value;
    return now;
}

bool same_headers(const blob::content_headers& a, const blob::content_headers& b) {
    return std::all_of(std::begin(header_fields), std::end(header_fields),
                       [&](const header_field& f) { return a.*f.value == b.*f.value; });
}

result<void> check(const property_changes& changes) {
    ACT_TRY_VOID(blob::check_metadata(changes.metadata));
    for (const auto& [name, value] : changes.headers) {
        if (!find_header(name)) {
            return error(kind::usage, "'" + name + "' is no header that blobs keep",
                         "one of content-type, content-encoding, content-language, content-disposition, "
                         "cache-control");
        }
        if (name == "content-type" && value.empty()) {
            return error(kind::usage, "content-type cannot be taken away", "set application/octet-stream");
        }
        const bool printable =
            std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
        if (!printable) {
            return error(kind::usage,
                         "the value of " + name + " holds a character that a header cannot carry",
                         "use printable ASCII");
        }
    }
    return blob::check_tags(changes.tags);
}

result<void> check_for_transfer(const property_changes& changes) {
    for (const std::string_view key : own_keys) {
        if (!changes.metadata.contains(std::string(key))) continue;
        return error(kind::usage,
                     "metadata '" + std::string(key) + "' is what a transfer itself records of each file",
                     "choose another key, or change it afterwards with `act set`");
    }
    return check(changes);
}

}  // namespace act::plan
