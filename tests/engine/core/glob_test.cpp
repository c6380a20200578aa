#include "engine/core/glob.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace act {
namespace {

TEST(glob, table) {
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

TEST(glob, wildcards_cross_slashes) {
    EXPECT_TRUE(wildcard_matches("*big/*", "a/big/c/d"));
    EXPECT_TRUE(wildcard_matches("*.so", "a/b.so"));
    EXPECT_TRUE(wildcard_matches("a?b", "a/b"));
    EXPECT_FALSE(wildcard_matches("*.so", "a.so.1"));
}

TEST(glob, takes_no_exponential_time) {
    std::string pattern, name(5000, 'a');
    for (int i = 0; i < 30; ++i) pattern += "a*";
    auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(glob_matches(pattern + "b", name));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace act
