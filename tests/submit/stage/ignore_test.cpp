#include "submit/stage/ignore.hpp"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace act::stage {
namespace {

using ::testing::ElementsAre;

TEST(stage_glob, table) {
    struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"", "", true},
        {"*", "abc", true},
        {"*", "a/b", false},
        {"*.py", "x.py", true},
        {"*.py", "x.pyc", false},
        {"a*b*c", "aXbYc", true},
        {"a*b*c", "aXbY", false},
        {"?", "a", true},
        {"?", "/", false},
        {"?", "", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a-c]x", "bx", false},
        {"[]]", "]", true},
        {"[a-]", "-", true},
        {"[abc", "[abc", true},
        {"[a/]b", "/b", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"**", "a/b/c", true},
        {"**/c", "c", true},
        {"**/c", "a/b/c", true},
        {"**/c", "a/b/xc", false},
        {"a/**", "a/b/c", true},
        {"a/**", "a", false},
        {"a/**/c", "a/c", true},
        {"a/**/c", "a/x/y/c", true},
        {"a/**/c", "a/xc", false},
        {"a/**/b*/c", "a/1/b2/3/b4/c", true},
        {"a**", "a/b", false},
        {"a**c", "abc", true},
        {"**/*.o", "x/y/z.o", true},
        {"**/a/**/b", "x/a/y/a/z/b", true},
        {"**/a/b", "a/a/b", true},
    };
    for (const auto& c : cases)
        EXPECT_EQ(glob_matches(c.pattern, c.name), c.matches) << c.pattern << " on " << c.name;
}

TEST(stage_glob, zip_patterns_cross_slashes) {
    EXPECT_TRUE(zip_pattern_matches("*big/*", "a/big/c/d"));
    EXPECT_TRUE(zip_pattern_matches("*.so", "a/b.so"));
    EXPECT_TRUE(zip_pattern_matches("a?b", "a/b"));
    EXPECT_FALSE(zip_pattern_matches("*.so", "a.so.1"));
}

TEST(stage_glob, takes_no_exponential_time) {
    std::string pattern, name(5000, 'a');
    for (int i = 0; i < 30; ++i) pattern += "a*";
    auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(glob_matches(pattern + "b", name));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(stage_ignore, rules_of_gitignore) {
    ignore_rules rules(
        "# comment\n\n*.log\n!keep.log\n/build\nout/\ndoc/*.txt\n\\#odd\n\\!odd\ntrail \nspace\\ "
        "\r\n**/deep/x\n");
    auto left_out = [&](const char* name, bool directory = false) {
        return !rules.decision(name, directory).empty();
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
    ignore_rules rules("!a\na\n");
    EXPECT_FALSE(rules.decision("a", false).empty());
    ignore_rules other("a\n!a\n");
    EXPECT_TRUE(other.decision("a", false).empty());
    EXPECT_TRUE(ignore_rules("").decision("a", false).empty());
    EXPECT_TRUE(ignore_rules("/\n!\n").decision("a", true).empty());
}

TEST(stage_zip_options, exclusions_are_taken_and_the_rest_is_reported) {
    std::vector<std::string> rest;
    auto patterns = zip_excludes({"-9", "-x", "\\*a/\\*", "b", "-xc*", "-y", "d", "-x", "e", "@", "f"}, rest);
    EXPECT_THAT(patterns, ElementsAre("*a/*", "b", "c*", "e"));
    EXPECT_THAT(rest, ElementsAre("-9", "-y", "d", "f"));
}

}  // namespace
}  // namespace act::stage
