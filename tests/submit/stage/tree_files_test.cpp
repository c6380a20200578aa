#include "submit/stage/tree_files.hpp"

#include <fcntl.h>

#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"

namespace act::testing {
namespace {

class stage_tree_files : public ::testing::Test {
protected:
    std::string read(const std::string& name) {
        auto fd = files_.open(name);
        if (!fd) return fd.error().describe();
        std::string out(100, '\0');
        auto n = file::read_at(fd->get(), std::as_writable_bytes(std::span(out)), 0, name);
        EXPECT_TRUE(n);
        return out.substr(0, n ? *n : 0);
    }
    temp_folder tree_;
    stage::tree_files files_{tree_.path()};
};

TEST_F(stage_tree_files, files_of_one_folder_and_of_the_next) {
    for (const char* name : {"a", "b/a", "b/b", "b/c/a", "c/a", "z"}) tree_.write(name, name);
    for (const char* name : {"a", "b/a", "b/b", "b/c/a", "c/a", "z", "b/a", "a"}) {
        EXPECT_EQ(read(name), name);
        ASSERT_TRUE(files_.look(name)) << name;
        EXPECT_EQ(files_.look(name), stage::stamp_in(AT_FDCWD, (tree_ / name).c_str())) << name;
    }
    EXPECT_NE(files_.look("a"), files_.look("z"));
}

TEST_F(stage_tree_files, what_is_missing_is_named_whole) {
    tree_.write("a/b", "x");
    for (const char* name : {"a/none", "none/b", "a/b/c"}) {
        EXPECT_FALSE(files_.look(name)) << name;
        auto fd = files_.open(name);
        ASSERT_FALSE(fd) << name;
        EXPECT_NE(fd.error().message().find(tree_ / name), std::string::npos) << fd.error().message();
    }
    EXPECT_EQ(files_.open("a/none").error().kind(), kind::not_found);
    EXPECT_EQ(read("a/b"), "x");
}

TEST_F(stage_tree_files, a_look_does_not_follow_a_link) {
    tree_.write("file", "0123456789");
    std::filesystem::create_symlink("file", tree_ / "link");
    EXPECT_EQ(files_.look("link")->size, 4u);
    EXPECT_EQ(files_.look("file")->size, 10u);
}

TEST_F(stage_tree_files, a_folder_put_in_place_of_another_is_found_once_that_is_forgotten) {
    tree_.write("a/x", "old");
    tree_.write("new/x", "new");
    EXPECT_EQ(read("a/x"), "old");
    std::filesystem::rename(tree_ / "a", tree_ / "gone");
    std::filesystem::rename(tree_ / "new", tree_ / "a");
    files_.forget();
    EXPECT_EQ(read("a/x"), "new");
}

}  // namespace
}  // namespace act::testing
