// Delete Blob and Undelete Blob (blob-rest.md section 9).
#include <cerrno>

#include "engine/core/uri.hpp"
#include "tools/store/directories.hpp"
#include "tools/store/put_blob.hpp"

namespace act::store {

namespace {

struct kept_record {
    std::string time, bytes;
};

std::vector<kept_record> snapshots_of(const reader& r, std::uint64_t container, std::string_view name) {
    std::vector<kept_record> out;
    record_cursor item(r, table::snapshots, container);
    for (bool more = item.seek(name); more && item.name() == name; more = item.next()) {
        out.push_back({std::string(item.snapshot()), std::string(item.record())});
    }
    return out;
}

void add_to_base(writer& w, std::uint64_t container, std::string_view name, std::int32_t snapshots) {
    auto base = load<blob_record>(w, table::blobs, container, name);
    if (!base) return;
    const std::int64_t now = std::int64_t(base->snapshots) + snapshots;
    base->snapshots = static_cast<std::uint32_t>(std::max<std::int64_t>(now, 0));
    save(w, table::blobs, container, name, {}, encode(*base));
}

reply deleted(bool for_good) {
    reply out = reply::of(202);
    out.headers.add("x-ms-delete-type-permanent", for_good ? "true" : "false");
    return out;
}

/// One snapshot, or one previous version.
answer delete_past(writer& w, const call& c, std::uint64_t container, table from, std::string_view time) {
    if (c.has_header("x-ms-delete-snapshots")) {
        return invalid_header("x-ms-delete-snapshots", c.header("x-ms-delete-snapshots"));
    }
    const bool version = from == table::versions;
    const auto found = find(w, from, container, c.blob, time);
    if (!found) {
        // The current version goes by its name alone.
        if (version && find_asked(w, container, c)) return failure(codes::not_on_root_blob);
        return failure(codes::blob_not_found);
    }
    const std::string bytes(*found);
    blob_record record;
    if (!decode(bytes, record)) return failure();
    ACT_TRY_VOID(check_conditions(c, state::of(&record), purpose::write));
    const protection kept = protection_of(w);
    erase(w, from, container, c.blob, time);
    if (!version) add_to_base(w, container, c.blob, -1);
    put_in_trash(w, c, kept.days, container, version ? trash::version : trash::snapshot, time, record);
    return deleted(kept.days == 0);
}

void delete_snapshots(writer& w, const call& c, const protection& kept, std::uint64_t container) {
    for (const auto& [time, bytes] : snapshots_of(w, container, c.blob)) {
        blob_record record;
        if (!decode(bytes, record)) return w.fail(EBADMSG);
        erase(w, table::snapshots, container, c.blob, time);
        put_in_trash(w, c, kept.days, container, trash::snapshot, time, record);
    }
}

/// Staged blocks alone can be deleted, too.
answer delete_staged(writer& w, const call& c, std::uint64_t container, bool only_snapshots) {
    if (only_snapshots || !find(w, table::uploads, container, c.blob)) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_change(c, nullptr));
    discard_upload(w, container, c.blob);
    return deleted(true);
}

/// What the Blob API may do to a directory: remove it when it is empty. The codes are the service's
/// (Azure/azure-storage-fuse issue 1068, Azure/azure-storage-azcopy issue 2219).
outcome<> check_directory(const reader& r, const call& c, std::uint64_t container,
                          const blob_record& record) {
    if (!record.directory) return {};
    if (c.has_header("x-ms-delete-snapshots")) return failure(codes::not_for_directories);
    if (has_children(r, container, c.blob)) return failure(codes::directory_not_empty);
    return {};
}

struct deletion {
    std::string path, id;
};

/// x-ms-undelete-source: the path, percent-encoded, and "?deletionid=ID" (Learn, "Undelete Blob").
outcome<deletion> read_undelete_source(const call& c) {
    const std::string_view text = c.header("x-ms-undelete-source");
    // That it cannot be left out is UNCONFIRMED; there may be several deletions of a path.
    if (text.empty()) return missing_header("x-ms-undelete-source");
    const std::size_t mark = text.find('?');
    auto path = decode_component(text.substr(0, mark));
    deletion d;
    for (auto& [name, value] : parse_query(mark == std::string_view::npos ? "" : text.substr(mark + 1))) {
        if (http::same_name(name, "deletionid")) d.id = std::move(value);
    }
    if (path) d.path = without_empty_segments(*path);
    if (d.path.empty() || d.id.empty()) return invalid_header("x-ms-undelete-source", text);
    return d;
}

struct buried {
    std::string name, record;
};

/// What came into the trash together with the directory `root`.
std::vector<buried> buried_below(const reader& r, std::uint64_t container, const deletion& root) {
    std::vector<buried> out;
    const std::string below = root.path + "/", key = trash::key(trash::below, root.id);
    record_cursor item(r, table::trash, container);
    for (bool more = item.seek(below); more && item.name().starts_with(below); more = item.next()) {
        trash_record row;
        if (item.snapshot() != key) continue;
        if (!decode(item.record(), row)) r.fail(EBADMSG);
        out.push_back({std::string(item.name()), std::string(row.blob)});
    }
    return out;
}

/// Undelete in a hierarchical account: one deletion of one path, to a path where nothing is, in a directory
/// that is there (Learn, "Soft delete for blobs"; the codes are UNCONFIRMED).
answer undelete_path(writer& w, const call& c, std::uint64_t container) {
    ACT_TRY(const deletion wanted, read_undelete_source(c));
    const std::string from = trash::key(trash::path, wanted.id);
    const auto found = find(w, table::trash, container, wanted.path, from);
    trash_record row;
    blob_record record;
    if (!found || !decode(*found, row) || row.until <= c.at()) return failure(codes::blob_not_found);
    if (!decode(row.blob, record)) return failure();
    const bool directory = record.directory;
    if (find(w, table::blobs, container, c.blob)) return failure(codes::path_exists);
    if (const auto parent = parent_of(c.blob); !parent.empty()) {
        const auto above = load<blob_record>(w, table::blobs, container, parent);
        if (!above) return failure(codes::path_not_found);
        if (!above->directory) return failure(codes::path_conflict);
    }
    const std::string bytes(row.blob);
    erase(w, table::trash, container, wanted.path, from);
    save(w, table::blobs, container, c.blob, {}, bytes);
    if (directory) {
        for (const auto& [name, below] : buried_below(w, container, wanted)) {
            erase(w, table::trash, container, name, trash::key(trash::below, wanted.id));
            save(w, table::blobs, container, c.blob + name.substr(wanted.path.size()), {}, below);
        }
    }
    reply out = reply::of(200);
    out.headers.add("x-ms-resource-type", directory ? "directory" : "file");
    return out;
}

}  // namespace

answer delete_blob(service&, writer& w, call& c) {
    ACT_TRY(const auto container, existing_container(w, c));
    const bool version = c.has_param("versionid");
    // Any of the two permissions has let the call in.
    if (!c.who.may(version ? 'x' : 'd')) return failure(codes::permission_mismatch);
    if (c.has_param("snapshot"))
        return delete_past(w, c, container.id, table::snapshots, c.param("snapshot"));
    if (version) return delete_past(w, c, container.id, table::versions, c.param("versionid"));
    const std::string_view scope = c.header("x-ms-delete-snapshots");
    const bool only = http::same_name(scope, "only"), include = http::same_name(scope, "include");
    if (!scope.empty() && !only && !include) return invalid_header("x-ms-delete-snapshots", scope);

    const auto found = find(w, table::blobs, container.id, c.blob);
    if (!found) return delete_staged(w, c, container.id, only);
    const std::string bytes(*found);
    blob_record record;
    if (!decode(bytes, record)) return failure();
    ACT_TRY_VOID(check_change(c, &record));
    ACT_TRY_VOID(check_directory(w, c, container.id, record));
    if (record.snapshots > 0 && scope.empty()) return failure(codes::snapshots_present);
    const protection kept = protection_of(w);
    if (record.snapshots > 0) delete_snapshots(w, c, kept, container.id);
    if (only) {
        record.snapshots = 0;
        save(w, table::blobs, container.id, c.blob, {}, encode(record));
        return deleted(kept.days == 0);
    }
    erase(w, table::blobs, container.id, c.blob);
    discard_upload(w, container.id, c.blob);
    if (w.hierarchical()) {
        const std::string id = new_deletion_id(w, container.id, c.blob, c.at());
        put_in_trash(w, c, kept.days, container.id, trash::path, id, record);
    } else if (kept.versioning) {
        keep_version(w, container.id, c.blob, record);
    } else {
        trash_as_snapshot(w, c, container.id);
        put_in_trash(w, c, kept.days, container.id, trash::blob, {}, record);
    }
    return deleted(!kept.any());
}

answer undelete_blob(service&, writer& w, call& c) {
    ACT_TRY(const auto container, existing_container(w, c));
    if (w.hierarchical()) return undelete_path(w, c, container.id);
    const auto base = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (base) ACT_TRY_VOID(check_lease(c, base->lease, leased::blob, false));
    bool there = base.has_value();
    if (!there) {
        record_cursor versions(w, table::versions, container.id);
        there = versions.seek(c.blob) && versions.name() == c.blob;
    }
    // Something new stands in the place of what was deleted.
    if (base) trash_as_snapshot(w, c, container.id);
    std::vector<trashed> rows = trash_of(w, container.id, c.blob);
    std::erase_if(rows, [&](const trashed& row) { return row.until <= c.at(); });
    if (!there && rows.empty()) return failure(codes::blob_not_found);
    std::int32_t snapshots = 0;
    for (const trashed& row : rows) {
        erase(w, table::trash, container.id, c.blob, row.key);
        const table to = row.what() == trash::blob       ? table::blobs
                         : row.what() == trash::snapshot ? table::snapshots
                                                         : table::versions;
        save(w, to, container.id, c.blob, row.time(), row.record);
        snapshots += to == table::snapshots;
    }
    if (snapshots > 0) add_to_base(w, container.id, c.blob, snapshots);
    return reply::of(200);
}

}  // namespace act::store
