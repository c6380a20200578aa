#include "transfer/plan/local_path.hpp"

#include <gtest/gtest.h>

namespace act::plan {
namespace {

TEST(LocalPath, JoinsOrdinaryNames) {
    EXPECT_EQ(*local_path("/r", "a/b c.txt"), "/r/a/b c.txt");
    EXPECT_EQ(*local_path("/r", "stub/"), "/r/stub/");
    EXPECT_EQ(*local_path("/r", "..a/b.."), "/r/..a/b..");
}

TEST(LocalPath, RefusesWhatWouldLeaveTheRootOrCannotBeAFile) {
    for (const std::string name :
         {"..", "../x", "a/../../x", "a/..", ".", "a/./b", "/etc/passwd", "a//b", "", "/", "a//"}) {
        EXPECT_FALSE(local_path("/r", name)) << name;
    }
    EXPECT_FALSE(local_path("/r", std::string_view("a\0b", 3)));
    EXPECT_FALSE(local_path("/r", std::string(256, 'x')));
    EXPECT_TRUE(local_path("/r", std::string(255, 'x')));
}

TEST(PartName, IsTheSameForTheSameDownloadOnly) {
    const auto name = part_name("/r/a", "x", "c", "a");
    EXPECT_EQ(name, part_name("/r/a", "x", "c", "a"));
    EXPECT_NE(name, part_name("/r/b", "x", "c", "a"));
    EXPECT_NE(name, part_name("/r/a", "y", "c", "a"));
    EXPECT_NE(name, part_name("/r/a", "x", "d", "a"));
    EXPECT_NE(name, part_name("/r/a", "x", "c", "b"));
    EXPECT_NE(part_name("/r/a", "x", "cd", "e"), part_name("/r/a", "x", "c", "de"));
    EXPECT_TRUE(is_part_name(name));
    EXPECT_FALSE(is_part_name(".act-notes.part"));
    EXPECT_LE(name.size(), 255u);
}

TEST(LinkStaysBelow, OnlyWhatCannotLeadOut) {
    for (const auto& [name, target] : {std::pair("a", "b"),
                                       {"a", "./b/c/"},
                                       {"d/a", "../b"},
                                       {"d/e/a", "../../b"},
                                       {"d/a", "..//./b"},
                                       {"a", "..b"},
                                       {"d/a", ".."}})
        EXPECT_TRUE(link_stays_below(name, target)) << name << " -> " << target;
    for (const auto& [name, target] : {std::pair("a", "/b"),
                                       {"a", ".."},
                                       {"a", "../b"},
                                       {"d/a", "../../b"},
                                       {"d/a", "b/../c"},
                                       {"a", "self/.."},
                                       {"a", ""}})
        EXPECT_FALSE(link_stays_below(name, target)) << name << " -> " << target;
}

}  // namespace
}  // namespace act::plan
