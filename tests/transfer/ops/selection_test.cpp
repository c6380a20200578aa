#include "world.hpp"

namespace act::ops {
namespace {

plan::selection but(std::vector<std::string> globs) {
    plan::selection_rules rules;
    for (auto& g : globs) rules.rules.push_back({false, plan::selection_rule::form::glob, std::move(g)});
    return *plan::selection::make(std::move(rules));
}
plan::selection only(std::vector<std::string> globs) {
    plan::selection_rules rules;
    for (auto& g : globs) rules.rules.push_back({true, plan::selection_rule::form::glob, std::move(g)});
    return *plan::selection::make(std::move(rules));
}

class selected : public ops_test {
protected:
    void SetUp() override {
        ops_test::SetUp();
        for (const char* name : {"a.jpg", "b.tmp", "cache/x.jpg", "d/c.jpg", "d/e.tmp"})
            write_file(scratch / ("tree/" + std::string(name)), name);
        fs::create_directories(scratch / "tree/empty");
    }
};

TEST_F(selected, OnTheWayUp) {
    auto r = up(scratch / "tree", "t", {.wanted = but({"*.tmp", "cache/", "empty"})});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/a.jpg", "t/d/c.jpg"}));
    r = up(scratch / "tree/b.tmp", "alone", {.wanted = but({"*.tmp"})});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u) << "named by itself";
}

TEST_F(selected, OnTheWayDown) {
    ASSERT_TRUE(up(scratch / "tree", "t"));
    auto r = down("t", scratch / "copy", {.wanted = only({"*.jpg"})});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 3u);
    EXPECT_FALSE(fs::exists(scratch / "copy/b.tmp"));
    EXPECT_FALSE(fs::exists(scratch / "copy/empty"));
    EXPECT_TRUE(fs::exists(scratch / "copy/cache/x.jpg"));
}

TEST_F(selected, ForRemoval) {
    ASSERT_TRUE(up(scratch / "tree", "t"));
    write_file(scratch / "one", "x");
    ASSERT_TRUE(up(scratch / "one", "t"));  // a blob that has the folder's name
    auto r = rm("t", {.wanted = only({"*.tmp"})});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(ls("t").size(), 5u);
    r = rm("t", {.wanted = only({"*.nothing"})});
    ASSERT_TRUE(r) << "there is something, only nothing of that kind";
    EXPECT_EQ(r->files, 0u);
    r = rm("t/d", {.raw_prefix = true, .wanted = only({"/d/*.jpg"})});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u) << "names count from the prefix's folder";
}

TEST_F(selected, BySizeAndTime) {
    write_file(scratch / "tree/big", std::string(1000, 'x'));
    plan::selection_rules rules;
    rules.least_size = 500;
    auto r = up(scratch / "tree", "t", {.wanted = *plan::selection::make(rules)});
    ASSERT_TRUE(r);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t/big", "t/empty"}));
    rules = {};
    rules.before = now() - std::chrono::hours(24);
    r = down("t", scratch / "copy", {.wanted = *plan::selection::make(rules)});
    ASSERT_TRUE(r);
    EXPECT_FALSE(fs::exists(scratch / "copy/big"));
}

}  // namespace
}  // namespace act::ops
