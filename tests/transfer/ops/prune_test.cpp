#include <sys/stat.h>

#include "world.hpp"

namespace act::ops {
namespace {

class prune_test : public ops_test {
protected:
    result<summary> run(tree_end a, tree_end b, prune_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(prune(c, std::move(a), std::move(b), std::move(o)));
    }
    void make_tree() {
        for (const char* name : {"a", "a-b", "d/x", "d/y/z", "keep"})
            write_file(scratch / ("tree/" + std::string(name)), name);
        fs::create_directories(scratch / "tree/empty");
        ASSERT_TRUE(up(scratch / "tree", "t"));
        ASSERT_TRUE(down("t", scratch / "copy"));
    }
};

TEST_F(prune_test, DeletesStoredExtrasAndNothingElse) {
    make_tree();
    write_file(scratch / "tree2/keep", "x");
    ASSERT_TRUE(up(scratch / "tree2", "t2"));
    fs::remove(scratch / "tree/a-b");
    fs::remove_all(scratch / "tree/d");
    fs::remove_all(scratch / "tree/empty");
    auto r = run(here("tree"), there("t"), {.dry_run = true});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 4u);
    EXPECT_EQ(ls("t").size(), 6u);

    r = run(here("tree"), there("t"));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 4u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a", "t/keep"}));
    EXPECT_EQ(ls("t2").size(), 1u);
}

TEST_F(prune_test, DeletesLocalExtrasAndTheFoldersLeftEmpty) {
    make_tree();
    ASSERT_TRUE(rm("t/d"));
    ASSERT_TRUE(rm("t/empty"));
    write_file(scratch / "copy/deep/er/still/file", "x");
    auto r = run(there("t"), here("copy"));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 4u);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(std::distance(fs::recursive_directory_iterator(scratch / "copy"), {}), 3);
    EXPECT_TRUE(fs::exists(scratch / "copy/a-b"));
}

TEST_F(prune_test, AFolderThatHoldsSomethingIsNotAnExtraStub) {
    make_tree();
    write_file(scratch / "tree/empty/now-full", "x");
    ASSERT_TRUE(run(here("tree"), there("t")));
    EXPECT_EQ(ls("t").size(), 6u);
}

TEST_F(prune_test, LinksToFoldersAreNotFollowed) {
    make_tree();
    write_file(scratch / "outside/precious", "x");
    fs::create_symlink(scratch / "outside", scratch / "copy/link");
    fs::create_symlink(scratch / "outside/precious", scratch / "copy/file-link");
    auto r = run(there("t"), here("copy"));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u) << "the link to a file";
    EXPECT_EQ(r->failed, 1u) << "the link to a folder";
    EXPECT_TRUE(fs::exists(scratch / "outside/precious"));
    EXPECT_TRUE(fs::exists(scratch / "copy/link"));
    EXPECT_FALSE(fs::is_symlink(scratch / "copy/file-link"));
}

TEST_F(prune_test, LimitsHoldBeforeTheFirstDeletion) {
    make_tree();
    fs::remove(scratch / "tree/a");
    fs::remove(scratch / "tree/a-b");
    auto r = run(here("tree"), there("t"), {.most = 1});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::conflict);
    EXPECT_NE(r.error().message().find("2 of 6"), std::string::npos) << r.error().message();
    ASSERT_FALSE(run(here("tree"), there("t"), {.most_percent = 30}));
    EXPECT_EQ(ls("t").size(), 6u);
    ASSERT_TRUE(run(here("tree"), there("t"), {.most = 2, .most_percent = 34}));
    EXPECT_EQ(ls("t").size(), 4u);
}

TEST_F(prune_test, AnEmptyOrMissingSourceDeletesNothing) {
    make_tree();
    fs::create_directories(scratch / "nothing here");
    EXPECT_FALSE(run(here("nothing here"), there("t")));
    EXPECT_FALSE(run(here("never made"), there("t")));
    EXPECT_FALSE(run(there("a typo"), here("copy")));
    EXPECT_FALSE(run(here("tree/a"), there("t"))) << "a file is no folder";
    EXPECT_EQ(ls("t").size(), 6u);
    EXPECT_EQ(std::distance(fs::recursive_directory_iterator(scratch / "copy"), {}), 8);
}

TEST_F(prune_test, AnUnreadableFolderDeletesNothing) {
    if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
    make_tree();
    ::chmod((scratch / "tree/d").c_str(), 0);
    EXPECT_FALSE(run(here("tree"), there("t")));
    ::chmod((scratch / "tree/d").c_str(), 0755);
    EXPECT_EQ(ls("t").size(), 6u);
}

TEST_F(prune_test, AMillionWouldNotNeedMemory) {
    // Enough names to leave memory for the temporary file.
    const std::string long_name(180, 'n');
    fs::create_directories(scratch / "many");
    fs::create_directories(scratch / "few");
    write_file(scratch / "few/one", "x");
    constexpr int count = 22'000;
    for (int i = 0; i < count; ++i) write_file(scratch / ("many/" + long_name + std::to_string(i)), "");
    auto r = run(here("few"), here("many"));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, static_cast<std::uint64_t>(count));
    EXPECT_TRUE(fs::is_empty(scratch / "many"));
}

}  // namespace
}  // namespace act::ops
