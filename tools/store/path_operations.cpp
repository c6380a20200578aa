// The DFS endpoint, as far as the Blob API has nothing for it (openapi/dfs): paths deleted with all below
// them, directories made, paths renamed, and their access control.
#include <algorithm>

#include "engine/codec/base64.hpp"
#include "engine/core/uri.hpp"
#include "tools/store/access_control.hpp"
#include "tools/store/directories.hpp"
#include "tools/store/listing.hpp"
#include "tools/store/put_blob.hpp"

namespace act::store {

namespace {

// What a paginated delete looks at in one request. The service's number is its own.
constexpr std::size_t largest_look = 5000;

/// This endpoint has other names for some things.
failure as_path(const failure& f) {
    if (f.is(codes::blob_not_found)) return failure(codes::path_not_found);
    if (f.is(codes::container_not_found)) return failure(codes::filesystem_not_found);
    if (f.is(codes::blob_exists)) return failure(codes::path_exists);
    return f;
}
answer told(answer a) { return a ? std::move(a) : answer(as_path(a.error())); }

outcome<container_record> container_of_paths(const reader& r, const call& c) {
    if (!r.hierarchical()) return failure(codes::not_hierarchical);
    return existing_container(r, c);
}

struct row {
    std::string name, record;
};

std::vector<row> rows_below(const reader& r, table t, std::uint64_t container, std::string_view directory) {
    std::vector<row> out;
    const std::string below = std::string(directory) + "/";
    record_cursor item(r, t, container);
    for (bool more = item.seek(below); more && item.name().starts_with(below); more = item.next())
        out.push_back({std::string(item.name()), std::string(item.record())});
    return out;
}

void discard_uploads(writer& w, std::uint64_t container, std::string_view path) {
    discard_upload(w, container, path);
    for (const row& upload : rows_below(w, table::uploads, container, path))
        discard_upload(w, container, upload.name);
}

/// Removes a path and all below it, in whole; gives the DeletionId, or nothing where it is gone for good.
outcome<std::string> remove_tree(writer& w, const call& c, std::uint64_t container, std::string_view path,
                                 const blob_record& record) {
    const std::uint32_t days = protection_of(w).days;
    const std::string id = new_deletion_id(w, container, path, c.at());
    if (record.directory) {
        for (const auto& [name, bytes] : rows_below(w, table::blobs, container, path)) {
            blob_record below;
            if (!decode(bytes, below)) return failure();
            erase(w, table::blobs, container, name);
            put_in_trash(w, c, days, container, name, trash::below, id, below);
        }
    }
    erase(w, table::blobs, container, path);
    discard_uploads(w, container, path);
    put_in_trash(w, c, days, container, path, trash::path, id, record);
    return days == 0 ? std::string() : id;
}

// With paginated=true the service goes through a large directory, to see whether all of it may be deleted, in
// several requests, and deletes it in the last one (HADOOP-18656, and openapi/dfs).
outcome<std::string> continuation_of(const reader& r, const call& c, std::uint64_t container) {
    ACT_TRY(const std::string from, read_marker(c, "continuation"));
    if (!http::same_name(c.param("paginated"), "true")) return std::string();
    const std::string below = c.blob + "/";
    record_cursor item(r, table::blobs, container);
    std::size_t seen = 0;
    for (bool more = item.seek(from.empty() ? below : from); more && item.name().starts_with(below);
         more = item.next()) {
        if (seen++ == largest_look) return make_marker(item.name());
    }
    return std::string();
}

answer try_delete(writer& w, const call& c) {
    ACT_TRY(const auto container, container_of_paths(w, c));
    const std::string_view asked = c.param("recursive");
    const bool recursive = http::same_name(asked, "true");
    if (!recursive && !http::same_name(asked, "false")) return invalid_query("recursive", asked);
    const auto found = find(w, table::blobs, container.id, c.blob);
    if (!found) return failure(codes::path_not_found);
    const std::string bytes(*found);
    blob_record record;
    if (!decode(bytes, record)) return failure();
    ACT_TRY_VOID(check_change(c, &record));
    reply out = reply::of(200);
    if (record.directory && recursive) {
        ACT_TRY(const std::string next, continuation_of(w, c, container.id));
        if (!next.empty()) {
            out.headers.add("x-ms-continuation", next);
            return out;
        }
    } else if (record.directory && has_children(w, container.id, c.blob)) {
        return failure(codes::path_not_empty);
    }
    ACT_TRY(const std::string id, remove_tree(w, c, container.id, c.blob, record));
    if (!id.empty()) out.headers.add("x-ms-deletion-id", id);
    return out;
}

/// x-ms-properties: names and values in base64, packed; nothing when it is not given.
outcome<std::optional<std::string>> read_properties(const call& c) {
    if (!c.has_header("x-ms-properties")) return std::optional<std::string>();
    std::string_view rest = c.header("x-ms-properties");
    std::string out;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(','), rest.size());
        const std::string_view one = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const std::size_t equals = one.find('=');
        const auto value = equals == std::string_view::npos || equals == 0
                               ? std::nullopt
                               : codec::base64_decode(one.substr(equals + 1));
        if (!value) return invalid_header("x-ms-properties", c.header("x-ms-properties"));
        packed::add(out, one.substr(0, equals), *value);
    }
    return std::optional(std::move(out));
}

outcome<unsigned> read_umask(const call& c) {
    const std::string_view text = c.header("x-ms-umask");
    if (text.empty()) return 0027u;  // the service's
    if (text.size() != 4 || text.find_first_not_of("01234567") != std::string_view::npos)
        return invalid_header("x-ms-umask", text);
    unsigned out = 0;
    for (const char digit : text) out = out << 3 | static_cast<unsigned>(digit - '0');
    return out;
}

reply made(const blob_record& r) {
    reply out = reply::of(201);
    add_version_headers(out.headers, r.etag, r.modified);
    return out;
}

answer try_create_directory(writer& w, const call& c) {
    ACT_TRY(const auto container, container_of_paths(w, c));
    if (!http::same_name(c.param("resource"), "directory")) {
        return failure(codes::not_implemented,
                       "Of paths, this store makes directories here; files are written by the Blob API.");
    }
    const auto old = load<blob_record>(w, table::blobs, container.id, c.blob);
    ACT_TRY_VOID(check_change(c, old ? &*old : nullptr, purpose::create));
    if (old && !old->directory) return failure(codes::path_conflict);
    ACT_TRY_VOID(check_place(w, container.id, c.blob, old ? &*old : nullptr, true));
    ACT_TRY(auto properties, read_properties(c));
    const std::string metadata = with_folder_mark(std::move(properties).value_or(std::string()));
    blob_record r = new_directory(c, metadata);
    access_control access = access_control::of(r);
    if (c.has_header("x-ms-permissions")) {
        ACT_TRY(const unsigned umask, read_umask(c));
        ACT_TRY_VOID(apply_access(c, access));
        access.restrict_by(umask);
    } else {
        ACT_TRY_VOID(apply_access(c, access));
    }
    const std::string packed = access.pack();
    r.access = packed;
    if (old) {
        r.created = old->created;
        r.etag = next_etag(c.at(), old->etag);
        r.lease = after_change(old->lease, c.at());
    }
    const std::string bytes = encode(r);
    make_parents(w, c, container.id, c.blob);
    save(w, table::blobs, container.id, c.blob, {}, bytes);
    return made(r);
}

struct source_path {
    std::string container, path;
};

/// x-ms-rename-source: "/filesystem/path", percent-encoded; a signature may follow.
outcome<source_path> read_rename_source(const call& c) {
    const std::string_view text = c.header("x-ms-rename-source");
    const failure bad = invalid_header("x-ms-rename-source", text.substr(0, text.find('?')));
    auto whole = decode_component(text.substr(0, text.find('?')));
    if (!whole || !whole->starts_with('/')) return bad;
    const std::size_t slash = whole->find('/', 1);
    if (slash == std::string::npos) return bad;
    source_path out{whole->substr(1, slash - 1), without_empty_segments(whole->substr(slash))};
    if (out.path.empty()) return bad;
    return out;
}

outcome<> check_source_lease(const call& c, const lease& l) {
    const lease::state now = l.at(c.at());
    if (now != lease::state::leased && now != lease::state::breaking) return {};
    const std::string_view given = c.header("x-ms-source-lease-id");
    if (given.empty()) return failure(codes::lease_id_missing);
    if (!http::same_name(given, l.id)) return failure(codes::lease_mismatch_blob);
    return {};
}

// Whether something may come to the call's path: what stands there, if anything, gives way.
outcome<> check_destination(const reader& r, const call& c, std::uint64_t container,
                            const blob_record& source, const blob_record* old) {
    if (const auto parent = parent_of(c.blob); !parent.empty()) {
        const auto above = load<blob_record>(r, table::blobs, container, parent);
        if (!above) return failure(codes::no_destination_parent);
        if (!above->directory) return failure(codes::path_conflict);
    }
    ACT_TRY_VOID(check_change(c, old, purpose::create));
    if (!old) return {};
    if (old->directory != source.directory) return failure(codes::unlike_resources);
    if (old->directory && has_children(r, container, c.blob)) return failure(codes::path_not_empty);
    return {};
}

answer try_rename(writer& w, const call& c) {
    ACT_TRY(const auto to, container_of_paths(w, c));
    ACT_TRY(const source_path from, read_rename_source(c));
    const auto from_container = load_container(w, from.container);
    const auto found = from_container ? find(w, table::blobs, from_container->id, from.path) : std::nullopt;
    if (!found) return failure(codes::no_rename_source);
    const std::string bytes(*found);
    blob_record source;
    if (!decode(bytes, source)) return failure();
    ACT_TRY_VOID(check_source_lease(c, source.lease));
    ACT_TRY_VOID(check_conditions(c, state::of(&source), purpose::source));
    const bool same_container = from_container->id == to.id;
    if (same_container && c.blob == from.path) return made(source);
    if (same_container && c.blob.starts_with(from.path + "/")) return failure(codes::invalid_destination);

    const auto old_found = find(w, table::blobs, to.id, c.blob);
    const std::string old_bytes(old_found.value_or(std::string_view()));
    blob_record old;
    if (old_found && !decode(old_bytes, old)) return failure();
    ACT_TRY_VOID(check_destination(w, c, to.id, source, old_found ? &old : nullptr));
    ACT_TRY(auto properties, read_properties(c));
    std::string metadata;
    if (properties) {
        metadata = source.directory ? with_folder_mark(std::move(*properties)) : std::move(*properties);
        source.metadata = metadata;
    }

    const std::vector<row> below =
        source.directory ? rows_below(w, table::blobs, from_container->id, from.path) : std::vector<row>();
    if (old_found) {
        auto removed = remove_tree(w, c, to.id, c.blob, old);
        if (!removed) return removed.error();
    }
    source.lease = {};
    erase(w, table::blobs, from_container->id, from.path);
    save(w, table::blobs, to.id, c.blob, {}, encode(source));
    for (const auto& [name, record] : below) {
        erase(w, table::blobs, from_container->id, name);
        save(w, table::blobs, to.id, c.blob + name.substr(from.path.size()), {}, record);
    }
    discard_uploads(w, from_container->id, from.path);
    return made(source);
}

/// The container's own folder, as far as its access control goes.
blob_record root_folder(const container_record& container) {
    blob_record r;
    r.directory = true;
    r.access = container.access;
    return r;
}

answer try_get_access(const reader& r, const call& c) {
    ACT_TRY(const auto container, container_of_paths(r, c));
    if (!http::same_name(c.param("action"), "getAccessControl")) return failure(codes::not_implemented);
    if (c.blob.empty()) {
        reply out = reply::of(200);
        add_version_headers(out.headers, container.etag, container.modified);
        add_access_headers(out.headers, access_control::of(root_folder(container)), true);
        return out;
    }
    const auto record = load<blob_record>(r, table::blobs, container.id, c.blob);
    if (!record) return failure(codes::path_not_found);
    ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::read));
    reply out = reply::of(200);
    add_version_headers(out.headers, record->etag, record->modified);
    add_access_headers(out.headers, access_control::of(*record), true);
    return out;
}

answer set_root_access(writer& w, const call& c, container_record container) {
    access_control access = access_control::of(root_folder(container));
    ACT_TRY_VOID(apply_access(c, access));
    const std::string packed = access.pack();
    container.access = packed;
    container.etag = next_etag(c.at(), container.etag);
    reply out = reply::of(200);
    add_version_headers(out.headers, container.etag, container.modified);
    w.put(table::containers, c.container, encode(container));
    return out;
}

answer try_set_access(writer& w, const call& c) {
    ACT_TRY(const auto container, container_of_paths(w, c));
    if (!http::same_name(c.param("action"), "setAccessControl")) return failure(codes::not_implemented);
    if (c.blob.empty()) return set_root_access(w, c, container);
    auto record = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (!record) return failure(codes::path_not_found);
    ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::write));
    access_control access = access_control::of(*record);
    ACT_TRY_VOID(apply_access(c, access));
    const std::string packed = access.pack();
    record->access = packed;
    record->etag = next_etag(c.at(), record->etag);
    const std::string bytes = encode(*record);
    reply out = reply::of(200);
    add_version_headers(out.headers, record->etag, record->modified);
    save(w, table::blobs, container.id, c.blob, {}, bytes);
    return out;
}

}  // namespace

answer delete_path(service&, writer& w, call& c) { return told(try_delete(w, c)); }
answer create_path(service&, writer& w, call& c) { return told(try_create_directory(w, c)); }
answer rename_path(service&, writer& w, call& c) { return told(try_rename(w, c)); }
answer get_path_access(service&, const reader& r, call& c) { return told(try_get_access(r, c)); }
answer set_path_access(service&, writer& w, call& c) { return told(try_set_access(w, c)); }

}  // namespace act::store
