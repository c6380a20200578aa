#include "transfer/ops/undelete.hpp"

#include "transfer/plan/item_list.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

using names = std::vector<std::string>;

class name_list final : public plan::item_list {
public:
    explicit name_list(names all) : all_(std::move(all)) {}
    result<std::optional<plan::listed_item>> next() override {
        if (at_ == all_.size()) return std::optional<plan::listed_item>();
        ACT_TRY(plan::listed_item one, plan::read_name(all_[at_++]));
        return std::optional<plan::listed_item>(std::move(one));
    }
    bool ready() const override { return true; }

private:
    names all_;
    std::size_t at_ = 0;
};

class undelete_test : public ops_test {
protected:
    void SetUp() override {
        at_start.soft_delete_days = 7;
        begin();
    }
    void begin() {
        ops_test::SetUp();
        link.emplace(*client, secret(store::emulator_key), secret());
    }

    result<summary> undelete(const std::string& path, undelete_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(ops::undelete(c, at(path), *link, o));
    }
    void put(const std::string& name, const std::string& content) {
        write_file(scratch / "one", content);
        const auto done = up(scratch / "one", name, {.overwrite = plan::overwrite::always});
        ASSERT_TRUE(done) << done.error().describe();
    }
    std::string get(const std::string& name) {
        fs::remove(scratch / "got");
        return down(name, scratch / "got") ? read_file(scratch / "got") : std::string("nothing");
    }
    std::vector<blob::properties> list_all(const std::string& path, list_options o) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        std::vector<blob::properties> out;
        (void)rt.run(list(c, at(path), o, [&](const blob::properties& b) { out.push_back(b); }));
        return out;
    }
    std::vector<blob::properties> versions(const std::string& name) {
        return list_all(name, {.versions = true});
    }
    std::uint64_t requests() { return stats().requests.load(); }

    std::optional<copy_link> link;
};

class version_test : public undelete_test {
protected:
    void SetUp() override {
        at_start.versioning = true;
        begin();
    }
};

class kept_version_test : public undelete_test {
protected:
    void SetUp() override {
        at_start.versioning = true;
        at_start.soft_delete_days = 7;
        begin();
    }
};

TEST_F(undelete_test, WhatWasRemovedComesBackAndNothingElseIsTouched) {
    for (const char* name : {"a", "b/c", "b/d", "b2/e"})
        write_file(scratch / ("tree/" + std::string(name)), name);
    ASSERT_TRUE(up(scratch / "tree", "t"));
    ASSERT_TRUE(rt.run(client->snapshot({"data", "t/b/c"}, {})));
    ASSERT_TRUE(rm("t/b"));
    ASSERT_TRUE(rm("t/b2"));

    EXPECT_EQ(ls("t", {.deleted = true}), (names{"t/b/c", "t/b/d", "t/b2/e"}));
    EXPECT_EQ(ls("t/b", {.deleted = true}), (names{"t/b/c", "t/b/d"})) << "no sibling that shares the prefix";
    const auto gone = list_all("t/b/d", {.deleted = true});
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_TRUE(gone[0].deleted && gone[0].deleted_at);
    EXPECT_EQ(gone[0].remaining_days, 6u);

    auto dry = undelete("t/b", {.dry_run = true});
    ASSERT_TRUE(dry);
    EXPECT_EQ(dry->files, 2u);
    EXPECT_EQ(ls("t"), (names{"t/a"}));

    const auto before = requests();
    auto back = undelete("t/b");
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(back->files, 2u);
    EXPECT_EQ(requests() - before, 4u) << "the path itself, what is below, and one for each blob";
    EXPECT_EQ(ls("t"), (names{"t/a", "t/b/c", "t/b/d"}));
    EXPECT_EQ(ls("t/b", {.snapshots = true}).size(), 3u);
    EXPECT_EQ(get("t/b/c"), "b/c");

    auto again = undelete("t");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->files, 1u);
    EXPECT_EQ(again->skipped, 3u);
}

TEST_F(undelete_test, OfTheBlobsOnlyTheSelectedOnesComeBack) {
    for (const char* name : {"a.ckpt", "b.txt"}) write_file(scratch / ("tree/" + std::string(name)), "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    ASSERT_TRUE(rm("t"));
    plan::selection_rules rules;
    rules.rules.push_back({.include = true, .text = "*.ckpt"});
    undelete_options how;
    how.wanted = *plan::selection::make(rules);
    auto back = undelete("t", how);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->files, 1u);
    EXPECT_EQ(ls("t"), (names{"t/a.ckpt"}));
    EXPECT_TRUE(undelete("t/b.txt"));
    EXPECT_EQ(ls("t"), (names{"t/a.ckpt", "t/b.txt"}));
}

TEST_F(undelete_test, ABlobThatIsThereStaysAndItsDeletedStatesToo) {
    put("t/a", "one");
    put("t/a", "two");
    auto r = undelete("t/a");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 0u);
    EXPECT_EQ(ls("t/a", {.snapshots = true}).size(), 1u);
    ASSERT_TRUE(undelete("t/a", {.past = true}));
    EXPECT_EQ(ls("t/a", {.snapshots = true}).size(), 2u);
    EXPECT_EQ(get("t/a"), "two");
}

TEST_F(undelete_test, ADeletedSnapshotThatOutlivesItsBlobIsListed) {
    put("a", "1");
    auto time = rt.run(client->snapshot({"data", "a"}, {}));
    ASSERT_TRUE(time) << time.error().describe();
    ASSERT_TRUE(rt.run(client->remove_snapshot({"data", "a"}, *time, {})));
    TearDown();
    at_start.soft_delete_days = 0;
    begin();
    ASSERT_TRUE(rm("a"));
    const auto kept = list_all("a", {.snapshots = true, .deleted = true});
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].snapshot, *time);
    EXPECT_TRUE(list_all("a", {.deleted = true}).empty());
}

TEST_F(undelete_test, NothingDeletedIsSaidToBeSo) {
    put("t/a", "x");
    auto nothing = undelete("never");
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().kind(), kind::not_found);
    EXPECT_NE(nothing.error().advice().find("7 days"), std::string::npos) << nothing.error().describe();
}

class unprotected_test : public undelete_test {
protected:
    void SetUp() override { begin(); }
};

TEST_F(unprotected_test, AnAccountWithoutSoftDeleteIsNamed) {
    put("t/a", "x");
    put("t/b", "x");
    ASSERT_TRUE(rm("t/a"));
    for (const char* path : {"t", "t/a", "t/b"}) {
        auto r = undelete(path);
        ASSERT_FALSE(r) << path;
        EXPECT_EQ(r.error().kind(), kind::not_found);
        EXPECT_NE(r.error().message().find("has no soft delete"), std::string::npos) << r.error().describe();
    }
    EXPECT_TRUE(ls("t", {.deleted = true}).empty());
}

TEST_F(undelete_test, AListNamesWhatComesBack) {
    for (const char* name : {"a", "b", "c"}) write_file(scratch / ("tree/" + std::string(name)), "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    ASSERT_TRUE(rm("t/a"));
    ASSERT_TRUE(rm("t/b"));
    name_list items({"a", "c", "never"});
    auto r = undelete("t", {.items = &items});
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->skipped, 1u) << "c was not deleted";
    EXPECT_EQ(r->failed, 1u) << "nothing is known of the last";
    EXPECT_EQ(ls("t"), (names{"t/a", "t/c"}));
}

TEST_F(version_test, OldVersionsGoAndTheBlobsStay) {
    for (int i = 0; i < 3; ++i) {
        put("t/a", "a" + std::to_string(i));
        put("t/b/c", "c" + std::to_string(i));
        put("t2", "kept");
    }
    using fate = remove_options::version_fate;
    auto dry = rm("t", {.dry_run = true, .versions = fate::old});
    ASSERT_TRUE(dry);
    EXPECT_EQ(dry->files, 4u);
    const auto before = requests();
    auto gone = rm("t", {.versions = fate::old});
    ASSERT_TRUE(gone) << gone.error().describe();
    EXPECT_EQ(gone->files, 4u);
    EXPECT_EQ(gone->failed, 0u);
    EXPECT_LE(requests() - before, 3u) << "two pages and one batch";
    EXPECT_EQ(ls("t", {.versions = true}), (names{"t/a", "t/b/c"}));
    EXPECT_EQ(get("t/a"), "a2");
    EXPECT_EQ(ls("t2", {.versions = true}).size(), 3u);
    auto of_one = rm("t2", {.versions = fate::old});
    ASSERT_TRUE(of_one);
    EXPECT_EQ(of_one->files, 2u);
    EXPECT_EQ(get("t2"), "kept");
}

TEST_F(version_test, AllVersionsGoWithTheBlobs) {
    for (int i = 0; i < 2; ++i) {
        put("t/a", "a" + std::to_string(i));
        put("t/b", "b" + std::to_string(i));
    }
    ASSERT_TRUE(rm("t/b"));
    EXPECT_EQ(ls("t", {.versions = true}).size(), 4u) << "a plain removal leaves versions";
    auto gone = rm("t", {.versions = remove_options::version_fate::all});
    ASSERT_TRUE(gone) << gone.error().describe();
    EXPECT_EQ(gone->files, 4u);
    EXPECT_EQ(gone->failed, 0u);
    EXPECT_TRUE(ls("t", {.versions = true}).empty());
}

TEST_F(version_test, OneVersionOrSnapshotGoes) {
    put("t/a", "one");
    put("t/a", "two");
    const auto snapshot = rt.run(client->snapshot({"data", "t/a"}, {}));
    ASSERT_TRUE(snapshot);
    const auto all = versions("t/a");
    ASSERT_EQ(all.size(), 2u);
    auto current = rm("t/a", {.version = all[1].version_id});
    ASSERT_FALSE(current);
    EXPECT_EQ(current.error().kind(), kind::usage);
    auto never = rm("t/a", {.version = "2020-01-01T00:00:00.0000000Z"});
    ASSERT_FALSE(never);
    EXPECT_EQ(never.error().kind(), kind::not_found);
    for (const bool dry : {true, false}) {
        auto one = rm("t/a", {.dry_run = dry, .version = all[0].version_id});
        ASSERT_TRUE(one) << one.error().describe();
        EXPECT_EQ(one->files, 1u);
        EXPECT_EQ(versions("t/a").size(), dry ? 2u : 1u);
    }
    ASSERT_TRUE(rm("t/a", {.snapshot = *snapshot}));
    EXPECT_EQ(ls("t/a", {.snapshots = true}).size(), 1u);
    EXPECT_EQ(get("t/a"), "two");
}

TEST_F(version_test, ABlobComesBackAsItsYoungestVersion) {
    put("t/a", "one");
    put("t/a", "two");
    ASSERT_TRUE(rm("t"));
    EXPECT_EQ(ls("t", {.deleted = true}), (names{"t/a"}));
    const auto before = requests();
    auto back = undelete("t");
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(back->files, 1u);
    EXPECT_EQ(back->failed, 0u);
    EXPECT_EQ(requests() - before, 3u) << "two listings and one copy";
    EXPECT_EQ(get("t/a"), "two");
    EXPECT_EQ(versions("t/a").size(), 3u);
}

TEST_F(kept_version_test, DeletedVersionsComeBackAndThenTheBlob) {
    put("t/a", "one");
    put("t/a", "two");
    ASSERT_TRUE(rm("t", {.versions = remove_options::version_fate::all}));
    EXPECT_TRUE(ls("t", {.versions = true}).empty());
    EXPECT_EQ(ls("t", {.deleted = true}), (names{"t/a"}));
    EXPECT_EQ(ls("t", {.versions = true, .deleted = true}), (names{"t/a", "t/a"}));
    auto back = undelete("t");
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(back->files, 1u);
    EXPECT_EQ(back->failed, 0u);
    EXPECT_EQ(get("t/a"), "two");
    EXPECT_EQ(versions("t/a").size(), 3u);
}

}  // namespace
}  // namespace act::ops
