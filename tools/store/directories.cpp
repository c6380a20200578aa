#include "tools/store/directories.hpp"

#include "tools/store/headers.hpp"

namespace act::store {

namespace {

std::string mark_alone() {
    std::string out;
    packed::add(out, folder_mark, "true");
    return out;
}

}  // namespace

bool makes_directory(const reader& r, const call& c, std::string_view copied) {
    if (!r.hierarchical()) return false;
    std::string own;
    if (auto read = read_metadata(c); read && !read->empty()) {
        own = std::move(*read);
        copied = own;
    }
    std::string_view name, value;
    while (packed::next(copied, name, value)) {
        if (http::same_name(name, folder_mark) && http::same_name(value, "true")) return true;
    }
    return false;
}

// The codes: blob-rest.md has ResourceTypeMismatch among those of Blob storage, openapi/dfs names
// PathConflict in its text ("an element of the path exists and its resource type is invalid"). That Put Blob
// gives just these is UNCONFIRMED; both are 409.
outcome<> check_place(const reader& r, std::uint64_t container, std::string_view name, const blob_record* old,
                      bool directory) {
    if (!r.hierarchical()) return {};
    if (old) {
        if (old->directory != directory) return failure(codes::resource_type_mismatch);
        return {};
    }
    // Of what is there, all above is a directory: the nearest tells.
    for (std::string_view up = parent_of(name); !up.empty(); up = parent_of(up)) {
        const auto above = load<blob_record>(r, table::blobs, container, up);
        if (!above) continue;
        if (!above->directory) return failure(codes::path_conflict);
        break;
    }
    return {};
}

blob_record new_directory(const call& c, const std::string& metadata) {
    blob_record r;
    r.directory = true;
    r.etag = next_etag(c.at(), 0);
    r.created = r.modified = c.at();
    r.headers.type = "application/octet-stream";
    r.metadata = metadata;
    return r;
}

void make_parents(writer& w, const call& c, std::uint64_t container, std::string_view name) {
    if (!w.hierarchical()) return;
    std::string bytes;
    for (std::string_view up = parent_of(name); !up.empty(); up = parent_of(up)) {
        if (find(w, table::blobs, container, up)) return;
        if (bytes.empty()) bytes = encode(new_directory(c, mark_alone()));
        save(w, table::blobs, container, up, {}, bytes);
    }
}

std::string with_folder_mark(std::string metadata) {
    std::string_view rest = metadata, name, value;
    while (packed::next(rest, name, value)) {
        if (http::same_name(name, folder_mark)) return metadata;
    }
    packed::add(metadata, folder_mark, "true");
    return metadata;
}

bool has_children(const reader& r, std::uint64_t container, std::string_view directory) {
    const std::string below = std::string(directory) + "/";
    record_cursor item(r, table::blobs, container);
    return item.seek(below) && item.name().starts_with(below);
}

outcome<> check_features(const reader& r, const call& c) {
    if (r.hierarchical() && !c.header("x-ms-tags").empty()) return failure(codes::not_for_hierarchical);
    return {};
}

}  // namespace act::store
