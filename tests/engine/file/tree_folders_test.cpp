#include "engine/file/tree_folders.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/file/link.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace act;
using namespace act::file;
using testing::ElementsAre;
using testing::HasSubstr;

const wall_time june{std::chrono::nanoseconds(1435361952123456789)};

class folders : public testing::Test {
protected:
    void write_into(tree_folders& tree, const std::string& name) {
        auto folder = tree.open(name);
        ASSERT_TRUE(folder) << folder.error().describe();
        auto a = aside::create_in(*folder, t_ / ("root/" + name + "/file"));
        ASSERT_TRUE(a) << a.error().describe();
        ASSERT_TRUE(a->publish(0, june));
    }
    temporary_folder t_;
};

TEST_F(folders, are_made_and_written_into) {
    tree_folders tree(t_ / "root");
    write_into(tree, "a/b/c");
    write_into(tree, "a/b");
    write_into(tree, "");
    EXPECT_THAT(t_.names("root/a/b"), ElementsAre("c", "file"));
    EXPECT_THAT(t_.names("root/a/b/c"), ElementsAre("file"));
    EXPECT_THAT(t_.names("root"), ElementsAre("a", "file"));
}

TEST_F(folders, links_are_passed_while_they_stay_below) {
    t_.directory("outside");
    t_.directory("root/inside");
    t_.link("root/good", "inside");
    t_.link("root/evil", "../outside");
    t_.link("root/far", t_ / "root/inside");
    t_.link("root/gone", "nowhere");
    t_.write("root/file", "x");
    tree_folders tree(t_ / "root");
    write_into(tree, "good/new");
    EXPECT_THAT(t_.names("root/inside"), ElementsAre("new"));
    for (const char* name : {"evil", "evil/new", "far", "gone", "file", "file/below"}) {
        auto refused = tree.open(name);
        ASSERT_FALSE(refused) << name;
        EXPECT_FALSE(refused.error().advice().empty() && refused.error().kind() == kind::conflict);
    }
    EXPECT_THAT(tree.open("evil/new").error().message(), HasSubstr("symbolic link"));
    EXPECT_THAT(t_.names("outside"), ElementsAre());
    tree_folders trusting(t_ / "root", tree_folders::outside::allow);
    write_into(trusting, "evil/new");
    EXPECT_THAT(t_.names("outside"), ElementsAre("new"));
}

TEST_F(folders, a_link_that_comes_later_does_not_redirect_an_open_folder) {
    t_.directory("outside");
    t_.directory("root/a");
    tree_folders tree(t_ / "root");
    auto folder = tree.open("a");
    ASSERT_TRUE(folder);
    auto a = aside::create_in(*folder, t_ / "root/a/file", "kept");
    ASSERT_TRUE(a);
    ASSERT_EQ(::rename((t_ / "root/a").c_str(), (t_ / "root/b").c_str()), 0);
    t_.link("root/a", "../outside");
    ASSERT_TRUE(a->publish(0, june));
    EXPECT_THAT(t_.names("root/b"), ElementsAre("file"));
    EXPECT_THAT(t_.names("outside"), ElementsAre());
}

TEST_F(folders, a_link_is_made_with_its_time_and_replaces_what_it_may) {
    t_.directory("root/folder");
    t_.write("root/file", "x");
    tree_folders tree(t_ / "root");
    auto folder = *tree.open("");
    bool owned = false;
    new_link wanted{"some/where", june, {}, false};
    EXPECT_TRUE(make_link(folder->get(), t_ / "root/new", wanted, owned).value());
    EXPECT_EQ(read_link(t_ / "root/new").value(), "some/where");
    EXPECT_EQ(stat_of(t_ / "root/new", false)->modified, june);
    EXPECT_FALSE(make_link(folder->get(), t_ / "root/file", wanted, owned).value());
    EXPECT_EQ(t_.read("root/file"), "x");
    wanted.replace = true;
    EXPECT_TRUE(make_link(folder->get(), t_ / "root/file", wanted, owned).value());
    EXPECT_EQ(read_link(t_ / "root/file").value(), "some/where");
    EXPECT_EQ(make_link(folder->get(), t_ / "root/folder", wanted, owned).error().kind(), kind::conflict);
    EXPECT_THAT(t_.names("root"), ElementsAre("file", "folder", "new"));
}

}  // namespace
