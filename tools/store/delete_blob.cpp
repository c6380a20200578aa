// Delete Blob and Undelete Blob (blob-rest.md section 9).
#include <cerrno>

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
    if (kept.versioning) {
        keep_version(w, container.id, c.blob, record);
    } else {
        trash_as_snapshot(w, c, container.id);
        put_in_trash(w, c, kept.days, container.id, trash::blob, {}, record);
    }
    return deleted(!kept.any());
}

answer undelete_blob(service&, writer& w, call& c) {
    ACT_TRY(const auto container, existing_container(w, c));
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
