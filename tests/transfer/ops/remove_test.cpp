#include "world.hpp"

namespace act::ops {
namespace {

TEST_F(ops_test, RemoveKeepsSiblingsThatShareThePrefix) {
    for (const char* name : {"coco/a", "coco/b/c", "coco2017/d", "coco-x", "coconut"}) {
        write_file(scratch / ("tree/" + std::string(name)), "x");
    }
    ASSERT_TRUE(up(scratch / "tree", ""));
    auto r = rm("coco");
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(ls(""), (std::vector<std::string>{"coco-x", "coco2017/d", "coconut"}));
}

TEST_F(ops_test, RemoveByRawPrefixTakesThemAll) {
    for (const char* name : {"coco/a", "coco2017/d", "other"})
        write_file(scratch / ("tree/" + std::string(name)), "x");
    ASSERT_TRUE(up(scratch / "tree", ""));
    ASSERT_TRUE(rm("coco", {.raw_prefix = true}));
    EXPECT_EQ(ls(""), (std::vector<std::string>{"other"}));
}

TEST_F(ops_test, RemoveTravelsInBatches) {
    for (int i = 0; i < 600; ++i) write_file(scratch / ("tree/" + std::to_string(i)), "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    const auto before = stats().requests.load();
    auto r = rm("t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 600u);
    EXPECT_LE(stats().requests.load() - before, 3u + 2);  // batches, one HEAD, one listing page
    EXPECT_TRUE(ls("t").empty());
}

TEST_F(ops_test, ADryRunRemovesNothingAndCountsAll) {
    write_file(scratch / "tree/a", "xx");
    write_file(scratch / "tree/b/c", "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    auto r = rm("t", {.dry_run = true});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(r->bytes, 3u);
    EXPECT_EQ(ls("t").size(), 2u);
}

TEST_F(ops_test, SnapshotsGoWithTheirBlobsOrAloneOrKeepThem) {
    for (const char* name : {"a", "b/c", "b/d"}) write_file(scratch / ("tree/" + std::string(name)), "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    for (const char* name : {"t/a", "t/b/c", "t/b/c"}) {
        ASSERT_TRUE(rt.run(client->snapshot({"data", name}, {})));
    }
    auto refused = rm("t/b", {.snapshots = blob::snapshots::refuse});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->files, 1u);
    EXPECT_EQ(refused->failed, 1u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a", "t/b/c"}));

    for (const bool dry : {true, false}) {
        auto below = rm("t", {.dry_run = dry, .snapshots = blob::snapshots::only});
        ASSERT_TRUE(below) << below.error().describe();
        EXPECT_EQ(below->files, 3u) << "one of a, two of b/c";
    }
    auto none = rm("t", {.snapshots = blob::snapshots::only});
    ASSERT_TRUE(none);
    EXPECT_EQ(none->files, 0u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a", "t/b/c"}));

    ASSERT_TRUE(rt.run(client->snapshot({"data", "t/a"}, {})));
    auto of_one = rm("t/a", {.snapshots = blob::snapshots::only});
    ASSERT_TRUE(of_one);
    EXPECT_EQ(of_one->files, 1u);
    ASSERT_TRUE(rt.run(client->snapshot({"data", "t/a"}, {})));
    auto all = rm("t");
    ASSERT_TRUE(all);
    EXPECT_EQ(all->files, 2u);
    EXPECT_TRUE(ls("t").empty());
}

TEST_F(ops_test, RemovingNothingIsNotFound) {
    write_file(scratch / "tree/a", "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    auto r = rm("nothing");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
}

TEST_F(ops_test, EmptyFoldersAreRemovedWithTheRest) {
    fs::create_directories(scratch / "tree/empty");
    write_file(scratch / "tree/a", "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    ASSERT_TRUE(rm("t"));
    EXPECT_TRUE(ls("t").empty());
}

TEST_F(ops_test, ListingFoldsOneLevel) {
    for (const char* name : {"a/1", "a/2", "b"}) write_file(scratch / ("tree/" + std::string(name)), "x");
    ASSERT_TRUE(up(scratch / "tree", "t"));
    EXPECT_EQ(ls("t", {.delimiter = "/"}), (std::vector<std::string>{"t/a/", "t/b"}));
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a/1", "t/a/2", "t/b"}));
}

}  // namespace
}  // namespace act::ops
