#include "tools/store/maintenance.hpp"

#include "engine/core/log.hpp"
#include "tools/store/catalog.hpp"
#include "tools/store/put_blob.hpp"

namespace act::store {

namespace {

constexpr auto tick = std::chrono::seconds(1);
constexpr unsigned sync_ticks = 2, reader_ticks = 60, expiry_ticks = 3600;
constexpr auto upload_life = std::chrono::days(7);
// Rows a step, so that other requests get their turn.
constexpr std::size_t step = 256;

// Removes up to `step` rows of a table that belong to a deleted container; how many there were.
std::size_t empty_table(writer& w, table t, std::uint64_t container) {
    struct row {
        std::string name, snapshot;
        content_ref content;
    };
    std::vector<row> rows;
    {
        record_cursor item(w, t, container);
        for (bool more = item.seek({}); more && rows.size() < step; more = item.next()) {
            blob_record b;
            trash_record deleted;
            std::string_view record = item.record();
            if (t == table::trash && decode(record, deleted)) record = deleted.blob;
            if (t != table::uploads && !decode(record, b)) w.fail(EBADMSG);
            rows.push_back({std::string(item.name()), std::string(item.snapshot()), b.content});
        }
    }
    for (const row& r : rows) {
        if (t == table::uploads) {
            discard_upload(w, container, r.name);
        } else {
            erase(w, t, container, r.name, r.snapshot);
            release(w, r.content);
        }
    }
    return rows.size();
}

task<void> remove_files(service& s) {
    auto remove = [&s] { s.files->remove_retired(); };
    co_await s.run.blocking(remove);
    s.removing.store(false);
    // Some may have come between the last look and the store.
    if (s.files->retired()) remove_files_soon(s);
}

task<void> sweep(service& s) {
    auto work = [&s] { s.files->sweep([&s] { return !s.stop.requested(); }); };
    co_await s.run.blocking(work);
}

}  // namespace

void remove_files_soon(service& s) {
    if (!s.removing.exchange(true)) s.background.spawn(s.run.at(0), remove_files(s));
}

task<bool> empty_deleted_containers(service& s) {
    bool more = false;
    auto change = [&](writer& w) -> answer {
        more = false;
        std::uint64_t container = 0;
        {
            cursor rows(w, table::doomed);
            if (!rows.seek(std::string(1, '\0'))) return reply();
            container = read_number(rows.key());
        }
        more = true;
        for (table t : {table::uploads, table::trash, table::versions, table::snapshots, table::blobs}) {
            if (empty_table(w, t, container) > 0) return reply();
        }
        w.erase(table::doomed, number_key(container).view());
        return reply();
    };
    {
        // No transaction for nothing.
        auto r = s.index->read();
        if (!r) co_return false;
        cursor rows(*r, table::doomed);
        if (!rows.seek(std::string(1, '\0'))) co_return false;
    }
    answer done = co_await change_index(s, change);
    co_return done&& more;
}

task<void> expire_uploads(service& s, nanos before) {
    std::vector<std::pair<std::string, std::string>> old;  // container, name
    {
        auto r = s.index->read();
        if (!r) co_return;
        cursor containers(*r, table::containers);
        for (bool more = containers.seek(std::string(1, '\0')); more; more = containers.next()) {
            container_record k;
            if (!decode(containers.value(), k)) continue;
            record_cursor item(*r, table::uploads, k.id);
            for (bool next = item.seek({}); next; next = item.next()) {
                upload_record u;
                if (decode(item.record(), u) && u.touched < before)
                    old.emplace_back(containers.key(), item.name());
            }
        }
    }
    for (const auto& [container, name] : old) {
        auto change = [&](writer& w) -> answer {
            const auto k = load_container(w, container);
            if (!k) return reply();
            const auto u = load<upload_record>(w, table::uploads, k->id, name);
            if (u && u->touched < before) discard_upload(w, k->id, name);
            return reply();
        };
        (void)co_await change_index(s, change);
    }
}

namespace {

struct trash_row {
    std::uint64_t container;
    std::string name, key;
};

std::vector<trash_row> expired_trash(const reader& r, nanos now) {
    std::vector<trash_row> out;
    cursor containers(r, table::containers);
    for (bool more = containers.seek(std::string(1, '\0')); more; more = containers.next()) {
        container_record k;
        if (!decode(containers.value(), k)) continue;
        record_cursor item(r, table::trash, k.id);
        for (bool next = item.seek({}); next && out.size() < step; next = item.next()) {
            trash_record row;
            if (decode(item.record(), row) && row.until <= now)
                out.push_back({k.id, std::string(item.name()), std::string(item.snapshot())});
        }
    }
    return out;
}

}  // namespace

task<void> empty_trash(service& s, nanos now) {
    for (bool more = true; more && !s.stop.requested();) {
        std::vector<trash_row> rows;
        {
            auto r = s.index->read();
            if (!r) co_return;
            rows = expired_trash(*r, now);
        }
        more = rows.size() >= step;
        if (rows.empty()) co_return;
        auto change = [&](writer& w) -> answer {
            for (const auto& [container, name, key] : rows) {
                const auto found = find(w, table::trash, container, name, key);
                trash_record row;
                blob_record b;
                // It may have been brought back, or gone, meanwhile.
                if (!found || !decode(*found, row) || row.until > now || !decode(row.blob, b)) continue;
                const content_ref content = b.content;
                erase(w, table::trash, container, name, key);
                release(w, content);
            }
            return reply();
        };
        if (auto done = co_await change_index(s, change); !done) co_return;
    }
}

task<void> maintain(service& s) {
    s.background.spawn(s.run.at(0), sweep(s));
    // A store may seldom run for an hour.
    co_await empty_trash(s, to_nanos(now()));
    for (unsigned n = 1; co_await sleep_for(tick, s.ends()); ++n) {
        while (!s.stop.requested() && co_await empty_deleted_containers(s)) {
        }
        if (s.files->retired()) remove_files_soon(s);
        if (n % sync_ticks == 0 && s.index->dirty()) {
            auto sync = [&s] { return s.index->sync(); };
            if (auto done = co_await s.run.blocking(sync); !done)
                log::warning("store: {}", done.error().describe());
        }
        if (n % reader_ticks == 0) s.index->check_readers();
        if (n % expiry_ticks != 0) continue;
        co_await expire_uploads(s, to_nanos(now() - upload_life));
        co_await empty_trash(s, to_nanos(now()));
    }
}

}  // namespace act::store
