#include "submit/stage/ignore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace act::stage {
namespace {

using ::testing::ElementsAre;

TEST(stage_ignore, rules_of_gitignore) {
    ignore_rules rules(
        "# comment\n\n*.log\n!keep.log\n/build\nout/\ndoc/*.txt\n\\#odd\n\\!odd\ntrail \nspace\\ "
        "\r\n**/deep/x\n");
    auto left_out = [&](const char* name, bool directory = false) {
        return !rules.decision(name, directory).value_or("").empty();
    };
    EXPECT_TRUE(left_out("a.log"));
    EXPECT_TRUE(left_out("x/y/a.log"));
    EXPECT_FALSE(left_out("x/keep.log"));
    EXPECT_TRUE(left_out("build"));
    EXPECT_TRUE(left_out("build", true));
    EXPECT_FALSE(left_out("x/build"));
    EXPECT_TRUE(left_out("x/out", true));
    EXPECT_FALSE(left_out("x/out", false));
    EXPECT_TRUE(left_out("doc/a.txt"));
    EXPECT_FALSE(left_out("x/doc/a.txt"));
    EXPECT_FALSE(left_out("doc/x/a.txt"));
    EXPECT_TRUE(left_out("#odd"));
    EXPECT_TRUE(left_out("!odd"));
    EXPECT_TRUE(left_out("trail"));
    EXPECT_TRUE(left_out("space "));
    EXPECT_TRUE(left_out("a/b/deep/x"));
    EXPECT_FALSE(left_out("# comment"));
    EXPECT_EQ(rules.decision("a.log", false), "*.log");
}

TEST(stage_ignore, the_last_rule_that_matches_counts) {
    EXPECT_EQ(ignore_rules("!a\na\n").decision("a", false), "a");
    EXPECT_EQ(ignore_rules("a\n!a\n").decision("a", false), "");
    EXPECT_EQ(ignore_rules("").decision("a", false), std::nullopt);
    EXPECT_EQ(ignore_rules("/\n!\n").decision("a", true), std::nullopt);
}

TEST(stage_zip_options, exclusions_are_taken_and_the_rest_is_reported) {
    std::vector<std::string> rest;
    auto patterns = zip_excludes({"-9", "-x", "\\*a/\\*", "b", "-xc*", "-y", "d", "-x", "e", "@", "f"}, rest);
    EXPECT_THAT(patterns, ElementsAre("*a/*", "b", "c*", "e"));
    EXPECT_THAT(rest, ElementsAre("-9", "-y", "d", "f"));
}

}  // namespace
}  // namespace act::stage
