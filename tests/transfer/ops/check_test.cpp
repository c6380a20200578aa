#include <set>

#include "world.hpp"

namespace act::ops {
namespace {

/// What an operation said of its items, as "differ a".
class listener final : public observer {
public:
    void item(std::string_view action, std::string_view path, std::uint64_t) override {
        std::lock_guard lock(mutex_);
        said.insert(std::string(action) + ' ' + std::string(path));
    }
    void failed(const failure& f) override {
        std::lock_guard lock(mutex_);
        failures.insert(f.path);
    }
    std::set<std::string> said, failures;

private:
    std::mutex mutex_;
};

class check_test : public ops_test {
protected:
    result<check_summary> compare(tree_end a, tree_end b, check_options o = {}) {
        progress p;
        heard.said.clear();
        heard.failures.clear();
        context c{rt, buffers, p, heard, stop.token(), 8};
        return rt.run(check(c, std::move(a), std::move(b), std::move(o)));
    }
    void make_tree() {
        for (const char* name : {"a", "a-b", "d/x", "d.e", "z"})
            write_file(scratch / ("tree/" + std::string(name)), name);
        write_file(scratch / "tree/large", random_bytes(9 * MiB, 3));
        write_file(scratch / "tree/middle", random_bytes(1 * MiB, 4));
        fs::create_directories(scratch / "tree/empty");
    }
    listener heard;
};

TEST_F(check_test, WhatWasTransferredIsTheSameInEveryDirection) {
    make_tree();
    ASSERT_TRUE(up(scratch / "tree", "t"));
    ASSERT_TRUE(up(scratch / "tree", "u"));
    ASSERT_TRUE(down("t", scratch / "copy"));
    for (const bool content : {false, true}) {
        const std::pair<tree_end, tree_end> ends[] = {{here("tree"), there("t")},
                                                      {there("t"), here("copy")},
                                                      {here("tree"), here("copy")},
                                                      {there("t"), there("u")}};
        for (const auto& [a, b] : ends) {
            auto r = compare(a, b, {.compare_content = content});
            ASSERT_TRUE(r) << r.error().describe();
            EXPECT_TRUE(r->equal());
            EXPECT_EQ(r->same, 8u);
            EXPECT_TRUE(heard.said.empty());
        }
    }
}

TEST_F(check_test, TellsWhatIsMissingExtraAndDifferent) {
    make_tree();
    ASSERT_TRUE(up(scratch / "tree", "t"));
    fs::remove(scratch / "tree/a-b");
    write_file(scratch / "tree/new", "n");
    write_file(scratch / "tree/z", "longer");
    auto r = compare(here("tree"), there("t"));
    ASSERT_TRUE(r);
    EXPECT_EQ(heard.said, (std::set<std::string>{"extra a-b", "missing new", "differ z"}));
    EXPECT_EQ(r->differ + r->missing + r->extra, 3u);
    EXPECT_FALSE(r->equal());
    EXPECT_EQ(ls("t").size(), 8u) << "nothing is changed";
}

TEST_F(check_test, OnlyTheContentTellsAByteThatTimesHide) {
    make_tree();
    ASSERT_TRUE(up(scratch / "tree", "t"));
    for (const char* name : {"tree/large", "tree/z"}) {
        const auto time = fs::last_write_time(scratch / name);
        std::string content = read_file(scratch / name);
        content.back() ^= 1;
        write_file(scratch / name, content);
        fs::last_write_time(scratch / name, time);
    }
    ASSERT_TRUE(compare(here("tree"), there("t")));
    EXPECT_TRUE(heard.said.empty());
    ASSERT_TRUE(compare(here("tree"), there("t"), {.compare_content = true}));
    EXPECT_EQ(heard.said, (std::set<std::string>{"differ large", "differ z"}));
}

TEST_F(check_test, SaysWhereTheStoreCannotTell) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const std::string content = random_bytes(1 * MiB, 5);
    const auto body = http::body::text(content);
    ASSERT_TRUE(rt.run(client->put_block(blob::address{"data", "t/x"}, "YWJj", body, {}, {}, {})));
    ASSERT_TRUE(rt.run(client->put_block_list(blob::address{"data", "t/x"}, {"YWJj"}, {}, {})));
    write_file(scratch / "tree/x", content);
    auto r = compare(here("tree"), there("t"), {.compare_content = true});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 1u);
    EXPECT_FALSE(r->equal());
    EXPECT_EQ(heard.failures, (std::set<std::string>{"x"}));
}

TEST_F(check_test, TheSelectionHoldsForBothEnds) {
    make_tree();
    ASSERT_TRUE(up(scratch / "tree", "t"));
    fs::remove(scratch / "tree/a-b");
    write_file(scratch / "tree/d/new", "n");
    plan::selection_rules rules;
    rules.rules = {{false, plan::selection_rule::form::glob, "a*"},
                   {false, plan::selection_rule::form::glob, "d/"}};
    auto r = compare(here("tree"), there("t"), {.wanted = *plan::selection::make(rules)});
    ASSERT_TRUE(r);
    EXPECT_TRUE(r->equal());
    EXPECT_EQ(r->same, 5u);
}

TEST_F(check_test, SingleFilesCompareAndAFolderIsNotAFile) {
    make_tree();
    ASSERT_TRUE(up(scratch / "tree", "t"));
    auto r = compare(here("tree/a"), there("t/a"));
    ASSERT_TRUE(r);
    EXPECT_TRUE(r->equal());
    EXPECT_EQ(r->same, 1u);
    r = compare(here("tree/a"), there("t"));
    ASSERT_TRUE(r);
    EXPECT_FALSE(r->equal());
    r = compare(here("nothing"), there("t"));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
}

}  // namespace
}  // namespace act::ops
