#include "tools/store/past.hpp"

#include <cerrno>

#include <fmt/format.h>

namespace act::store {

namespace {

constexpr std::string_view protection_row = "protection";
constexpr nanos day = 86'400'000'000'000;

// Times of 100 ns, and no two alike.
nanos round(nanos n) { return n / 100 * 100; }

/// A time of a deleted snapshot that no other of the name has.
std::string free_snapshot_time(const reader& r, std::uint64_t container, std::string_view name, nanos from) {
    for (nanos at = round(from);; at += 100) {
        std::string time = snapshot_time(at);
        if (!find(r, table::snapshots, container, name, time) &&
            !find(r, table::trash, container, name, trash::key(trash::snapshot, time))) {
            return time;
        }
    }
}

bool version_taken(const reader& r, std::uint64_t container, std::string_view name, nanos at) {
    const std::string time = snapshot_time(at);
    return find(r, table::versions, container, name, time) ||
           find(r, table::trash, container, name, trash::key(trash::version, time));
}

}  // namespace

std::string trash::key(char what, std::string_view time) { return std::string(1, what).append(time); }

protection protection_of(const reader& r) {
    const auto row = r.get(table::meta, protection_row);
    protection p;
    if (!row || row->size() < 9) return p;
    p.days = static_cast<std::uint32_t>(read_number(*row));
    p.versioning = row->back() == 1;
    return p;
}

void set_protection(writer& w, const protection& p) {
    char row[9];
    write_number(row, p.days);
    row[8] = p.versioning ? 1 : 0;
    w.put(table::meta, protection_row, {row, sizeof row});
}

std::optional<std::string_view> find_asked(const reader& r, std::uint64_t container, const call& c) {
    if (const auto time = c.param("snapshot"); !time.empty())
        return find(r, table::snapshots, container, c.blob, time);
    const auto base = find(r, table::blobs, container, c.blob);
    const auto version = c.param("versionid");
    if (version.empty()) return base;
    blob_record record;
    const bool current =
        base && decode(*base, record) && record.version != 0 && snapshot_time(record.version) == version;
    return current ? base : find(r, table::versions, container, c.blob, version);
}

std::optional<blob_record> load_asked(const reader& r, std::uint64_t container, const call& c) {
    const auto bytes = find_asked(r, container, c);
    if (!bytes) return {};
    blob_record record;
    if (decode(*bytes, record)) return record;
    r.fail(EBADMSG);
    return {};
}

nanos next_version(const reader& r, std::uint64_t container, std::string_view name, nanos now) {
    const auto current = load<blob_record>(r, table::blobs, container, name);
    nanos at = round(now);
    // A blob from before the account kept versions will be one of its last change.
    if (current) at = std::max(at, round(current->version != 0 ? current->version : current->modified) + 100);
    while (version_taken(r, container, name, at)) at += 100;
    return at;
}

std::uint32_t count_snapshots(const reader& r, std::uint64_t container, std::string_view name) {
    std::uint32_t n = 0;
    record_cursor item(r, table::snapshots, container);
    for (bool more = item.seek(name); more && item.name() == name; more = item.next()) ++n;
    return n;
}

std::string new_deletion_id(const reader& r, std::uint64_t container, std::string_view name, nanos now) {
    constexpr std::uint64_t from_1601 = 116'444'736'000'000'000;
    for (std::uint64_t n = static_cast<std::uint64_t>(now) / 100 + from_1601;; ++n) {
        std::string id = std::to_string(n);
        if (!find(r, table::trash, container, name, trash::key(trash::path, id))) return id;
    }
}

void keep_version(writer& w, std::uint64_t container, std::string_view name, blob_record record) {
    record.lease = {};
    record.snapshots = 0;
    if (record.version == 0) record.version = round(record.modified);
    while (version_taken(w, container, name, record.version)) record.version += 100;
    save(w, table::versions, container, name, snapshot_time(record.version), encode(record));
}

void put_in_trash(writer& w, const call& c, std::uint32_t days, std::uint64_t container,
                  std::string_view name, char what, std::string_view time, blob_record record) {
    if (days == 0) return release(w, record.content);
    record.lease = {};
    record.snapshots = 0;
    const std::string bytes = encode(record);
    const trash_record row{c.at(), c.at() + days * day, bytes};
    save(w, table::trash, container, name, trash::key(what, time), encode(row));
}

void trash_as_snapshot(writer& w, const call& c, std::uint64_t container) {
    const std::string from = trash::key(trash::blob);
    const auto found = find(w, table::trash, container, c.blob, from);
    if (!found) return;
    const std::string bytes(*found);
    trash_record row;
    if (!decode(bytes, row)) return w.fail(EBADMSG);
    const std::string time = free_snapshot_time(w, container, c.blob, row.deleted);
    erase(w, table::trash, container, c.blob, from);
    save(w, table::trash, container, c.blob, trash::key(trash::snapshot, time), bytes);
}

bool keep_replaced(writer& w, const call& c, const protection& p, std::uint64_t container) {
    const auto found = find(w, table::blobs, container, c.blob);
    if (!found) {
        trash_as_snapshot(w, c, container);
        return false;
    }
    const std::string bytes(*found);
    blob_record old;
    if (!decode(bytes, old)) {
        w.fail(EBADMSG);
        return true;
    }
    if (p.versioning) {
        keep_version(w, container, c.blob, old);
        return true;
    }
    const std::string time = free_snapshot_time(w, container, c.blob, c.at());
    put_in_trash(w, c, p.days, container, trash::snapshot, time, old);
    return true;
}

std::vector<trashed> trash_of(const reader& r, std::uint64_t container, std::string_view name) {
    std::vector<trashed> out;
    record_cursor item(r, table::trash, container);
    for (bool more = item.seek(name); more && item.name() == name; more = item.next()) {
        trash_record row;
        if (decode(item.record(), row)) {
            out.push_back({std::string(item.snapshot()), std::string(row.blob), row.until});
        } else {
            r.fail(EBADMSG);
        }
    }
    return out;
}

}  // namespace act::store
