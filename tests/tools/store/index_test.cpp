#include "tools/store/index.hpp"

#include <csignal>
#include <map>
#include <random>
#include <sys/stat.h>
#include <sys/wait.h>

#include <lmdb.h>

#include "fixture.hpp"
#include "tools/store/catalog.hpp"

namespace act::store {
namespace {

std::unique_ptr<index> open_index(const temporary_folder& f, name_space space = name_space::flat) {
    auto opened = index::open(f.path() + "/index", space);
    EXPECT_TRUE(opened) << opened.error().describe();
    return std::move(*opened);
}

TEST(index, keeps_what_was_written) {
    temporary_folder folder;
    {
        auto i = open_index(folder);
        ASSERT_TRUE(i->write_now([](writer& w) { w.put(table::meta, "a", "1"); }));
        auto r = i->read();
        EXPECT_EQ(r->get(table::meta, "a"), "1");
        EXPECT_FALSE(r->get(table::meta, "b"));
        EXPECT_FALSE(r->get(table::blobs, "a"));
    }
    auto i = open_index(folder);
    EXPECT_EQ(i->read()->get(table::meta, "a"), "1");
}

TEST(index, a_store_from_before_there_were_versions_opens) {
    temporary_folder folder;
    const std::string path = folder.path() + "/index";
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    ASSERT_EQ(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 11);
    ASSERT_EQ(mdb_env_open(env, path.c_str(), MDB_NOTLS, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    for (const char* name : {"meta", "containers", "blobs", "snapshots", "uploads", "blocks", "lists",
                             "extents", "pieces", "refs", "doomed"}) {
        MDB_dbi table = 0;
        ASSERT_EQ(mdb_dbi_open(txn, name, MDB_CREATE, &table), 0);
        if (std::string_view(name) != "meta") continue;
        char key[] = "version", value[] = "1";
        MDB_val k{7, key}, v{1, value};
        ASSERT_EQ(mdb_put(txn, table, &k, &v, 0), 0);
    }
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);

    auto i = open_index(folder);
    ASSERT_TRUE(i->write_now([](writer& w) { w.put(table::trash, "a", "1"); }));
    EXPECT_EQ(i->read()->get(table::trash, "a"), "1");
}

TEST(index, records_without_a_version_are_as_they_always_were) {
    std::string always("\1\0\1\2\3\4", 6);
    always.append(18, '\0');
    blob_record r;
    r.etag = 1;
    r.size = 2;
    r.created = 3;
    r.modified = 4;
    EXPECT_EQ(encode(r), always);
    r.version = 5;
    EXPECT_EQ(encode(r), always + '\5');
    blob_record back;
    ASSERT_TRUE(decode(always, back));
    EXPECT_EQ(back.version, 0);
    ASSERT_TRUE(decode(always + '\5', back));
    EXPECT_EQ(back.version, 5);
}

TEST(index, a_reader_sees_one_state) {
    temporary_folder folder;
    auto i = open_index(folder);
    (void)i->write_now([](writer& w) { w.put(table::meta, "a", "1"); });
    auto before = i->read();
    (void)i->write_now([](writer& w) { w.put(table::meta, "a", "2"); });
    EXPECT_EQ(before->get(table::meta, "a"), "1");
    EXPECT_EQ(i->read()->get(table::meta, "a"), "2");
}

task<void> add_one(index& i, std::string key, int failing, std::atomic<int>& failed) {
    auto change = [&](writer& w) {
        w.put(table::meta, key, key);
        if (failing) w.fail(ENOSPC);
    };
    auto done = co_await i.write(change);
    if (!done) {
        EXPECT_EQ(done.error().kind(), kind::disk_full);
        ++failed;
    }
}

TEST(index, one_failing_write_does_not_harm_its_siblings) {
    temporary_folder folder;
    auto i = open_index(folder);
    runtime run({.loops = 2});
    task_group group;
    std::atomic<int> failed{0};
    for (int n = 0; n < 200; ++n) {
        group.spawn(run.at(n % 2), add_one(*i, "k" + std::to_string(n), n % 50 == 7, failed));
    }
    run.run(group.join());
    EXPECT_EQ(failed, 4);
    auto r = i->read();
    for (int n = 0; n < 200; ++n) {
        EXPECT_EQ(r->get(table::meta, "k" + std::to_string(n)).has_value(), n % 50 != 7) << n;
    }
    EXPECT_LT(i->stats().commits, 200u);
}

TEST(index, refuses_a_folder_of_another_format) {
    temporary_folder folder;
    (void)open_index(folder)->write_now([](writer& w) { w.put(table::meta, "version", "99"); });
    auto again = index::open(folder.path() + "/index");
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind(), kind::configuration);
    EXPECT_NE(again.error().message().find("99"), std::string::npos);
}

// The child acknowledges each write through a pipe and is killed somewhere in the middle of the next.
TEST(index, a_killed_process_loses_no_acknowledged_write) {
    temporary_folder folder;
    int pipes[2];
    ASSERT_EQ(::pipe(pipes), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        auto i = index::open(folder.path() + "/index");
        for (std::uint32_t n = 0; i; ++n) {
            auto done = (*i)->write_now([&](writer& w) {
                w.put(table::blobs, number_key(n).view(), std::string(300, 'x'));
                w.put(table::refs, number_key(n * 7919ull).view(), "r");
            });
            if (!done || ::write(pipes[1], &n, 4) != 4) break;
        }
        ::_exit(1);
    }
    std::uint32_t last = 0, n = 0;
    while (last < 2000 && ::read(pipes[0], &n, 4) == 4) last = n;
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(pipes[1]);
    while (::read(pipes[0], &n, 4) == 4) last = n;
    ::close(pipes[0]);

    auto i = open_index(folder);
    auto r = i->read();
    for (std::uint32_t k = 0; k <= last; ++k) {
        ASSERT_TRUE(r->get(table::blobs, number_key(k).view())) << k;
        ASSERT_TRUE(r->get(table::refs, number_key(k * 7919ull).view())) << k;
    }
    EXPECT_TRUE(i->write_now([](writer& w) { w.put(table::meta, "after", "ok"); }));
}

// By bytes, or by the segments of paths.
struct by_name {
    using entry = std::pair<std::string, std::string>;
    name_space space;
    bool operator()(const entry& a, const entry& b) const {
        if (space == name_space::flat) return a < b;
        return std::pair(segments(a.first), a.second) < std::pair(segments(b.first), b.second);
    }
    static std::vector<std::string> segments(const std::string& path) {
        std::vector<std::string> out(1);
        for (const char c : path) {
            if (c == '/') {
                out.emplace_back();
            } else {
                out.back() += c;
            }
        }
        return out;
    }
};

// Names of all lengths around the part that fits into a key, with common beginnings, against a map.
void compare_with_a_map(table t, const std::vector<std::string>& snapshots,
                        name_space space = name_space::flat) {
    temporary_folder folder;
    auto i = open_index(folder, space);
    std::mt19937 random(7);
    std::map<by_name::entry, std::string, by_name> model{by_name{space}};
    // Around the slash, whose place is another.
    const std::string letters = space == name_space::flat ? "abc" : "-/0!a";
    const std::string stem(key_part, 'n');
    auto name = [&] {
        const std::size_t size = random() % 3 == 0 ? random() % 20 + 1 : key_part - 3 + random() % 8;
        std::string s = stem.substr(0, std::min<std::size_t>(size, key_part));
        while (s.size() < size) s += letters[random() % letters.size()];
        if (random() % 4 == 0) s.back() = static_cast<char>('a' + random() % 26);
        return s;
    };
    for (int round = 0; round < 60; ++round) {
        ASSERT_TRUE(i->write_now([&](writer& w) {
            for (int n = 0; n < 10; ++n) {
                const std::string key = name(), snapshot = snapshots[random() % snapshots.size()];
                if (random() % 3 == 0) {
                    EXPECT_EQ(erase(w, t, 5, key, snapshot), model.erase({key, snapshot}) == 1);
                } else {
                    const std::string value = std::to_string(random());
                    save(w, t, 5, key, snapshot, value);
                    model[{key, snapshot}] = value;
                }
            }
        }));
    }
    // Other containers next to it must not show.
    (void)i->write_now([&](writer& w) {
        save(w, t, 4, "zzz", snapshots[0], "other");
        save(w, t, 6, "a", snapshots[0], "other");
    });
    auto r = i->read();
    record_cursor c(*r, t, 5);
    bool more = c.seek({});
    for (const auto& [key, value] : model) {
        ASSERT_TRUE(more);
        EXPECT_EQ(c.name(), key.first);
        EXPECT_EQ(c.snapshot(), key.second);
        EXPECT_EQ(c.record(), value);
        EXPECT_EQ(find(*r, t, 5, key.first, key.second), value);
        more = c.next();
    }
    EXPECT_FALSE(more);
    for (int n = 0; n < 200; ++n) {
        const std::pair<std::string, std::string> from(name(), snapshots[random() % snapshots.size()]);
        const auto expected = model.lower_bound(from);
        ASSERT_EQ(c.seek(from.first, from.second), expected != model.end());
        if (expected == model.end()) continue;
        EXPECT_EQ(c.name(), expected->first.first);
        EXPECT_EQ(c.snapshot(), expected->first.second);
    }
}

TEST(catalog, keeps_long_names_apart_and_in_order) { compare_with_a_map(table::blobs, {""}); }
TEST(catalog, keeps_paths_in_the_order_of_their_segments) {
    compare_with_a_map(table::blobs, {""}, name_space::hierarchical);
    compare_with_a_map(table::trash, {"p1", "p2"}, name_space::hierarchical);
}
TEST(catalog, keeps_snapshots_of_long_names_apart) {
    compare_with_a_map(table::snapshots, {"2026-01", "2026-02", "2026-03"});
}

}  // namespace
}  // namespace act::store
