#include "transfer/plan/selection.hpp"

#include <gtest/gtest.h>

namespace act::plan {
namespace {

using form = selection_rule::form;

selection of(std::vector<selection_rule> rules) {
    selection_rules given;
    given.rules = std::move(rules);
    auto made = selection::make(std::move(given));
    EXPECT_TRUE(made);
    return *made;
}
selection_rule in(std::string glob) { return {true, form::glob, std::move(glob)}; }
selection_rule out(std::string glob) { return {false, form::glob, std::move(glob)}; }

bool takes(const selection& s, std::string_view name) { return s.file(name, 1, {}); }

TEST(Selection, TakesEverythingWithoutRules) {
    const selection s = of({});
    EXPECT_TRUE(s.selects_all());
    EXPECT_TRUE(takes(s, "a/b"));
    EXPECT_TRUE(s.enters("a"));
}

TEST(Selection, ExcludesAtAnyDepth) {
    const selection s = of({out("*.tmp")});
    EXPECT_FALSE(takes(s, "x.tmp"));
    EXPECT_FALSE(takes(s, "a/b/x.tmp"));
    EXPECT_FALSE(takes(s, "a.tmp/inside"));
    EXPECT_TRUE(takes(s, "x.tmp.gz"));
    EXPECT_FALSE(s.enters("a.tmp"));
    EXPECT_TRUE(s.enters("a"));
}

TEST(Selection, IncludeFirstLeavesTheRestOut) {
    const selection s = of({in("*.jpg"), in("labels/")});
    EXPECT_TRUE(takes(s, "a/b.jpg"));
    EXPECT_TRUE(takes(s, "train/labels/x.txt"));
    EXPECT_FALSE(takes(s, "labels"));
    EXPECT_TRUE(s.name("labels", true));
    EXPECT_FALSE(takes(s, "readme"));
    EXPECT_TRUE(s.enters("anything"));
}

TEST(Selection, TheLastMatchDecides) {
    const selection s = of({out("logs/"), in("logs/keep/**"), out("*.core")});
    EXPECT_FALSE(takes(s, "logs/a"));
    EXPECT_TRUE(takes(s, "logs/keep/a"));
    EXPECT_FALSE(takes(s, "logs/keep/x.core"));
    EXPECT_TRUE(takes(s, "other"));
    EXPECT_TRUE(s.enters("logs")) << "an include may reach below";
}

TEST(Selection, ASlashTiesAPatternToTheTop) {
    const selection s = of({out("/build"), out("doc/*.txt")});
    EXPECT_FALSE(takes(s, "build/x"));
    EXPECT_TRUE(takes(s, "src/build/x"));
    EXPECT_FALSE(takes(s, "doc/a.txt"));
    EXPECT_TRUE(takes(s, "doc/deeper/a.txt"));
    EXPECT_TRUE(takes(s, "x/doc/a.txt"));
}

TEST(Selection, Expressions) {
    const selection s = of({{false, form::regex, "^train/[0-9]+\\.png$"}});
    EXPECT_FALSE(takes(s, "train/0012.png"));
    EXPECT_TRUE(takes(s, "train/x.png"));
    EXPECT_TRUE(takes(s, "a/train/1.png"));
    EXPECT_TRUE(s.enters("train"));

    selection_rules wrong;
    wrong.rules = {{true, form::regex, "a(b"}};
    auto made = selection::make(wrong);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind(), kind::usage);
    EXPECT_NE(made.error().message().find("a(b"), std::string::npos);

    wrong.rules = {in("/")};
    EXPECT_FALSE(selection::make(wrong));
}

TEST(Selection, SizesAndTimes) {
    selection_rules given;
    given.least_size = 10;
    given.most_size = 20;
    given.after = *parse_iso8601("2026-01-01");
    given.before = *parse_iso8601("2026-02-01");
    const selection s = *selection::make(given);
    const auto middle = *parse_iso8601("2026-01-15");
    EXPECT_TRUE(s.file("a", 10, middle));
    EXPECT_TRUE(s.file("a", 20, middle));
    EXPECT_FALSE(s.file("a", 9, middle));
    EXPECT_FALSE(s.file("a", 21, middle));
    EXPECT_TRUE(s.file("a", 10, *given.after));
    EXPECT_FALSE(s.file("a", 10, *given.before));
    EXPECT_TRUE(s.name("empty folder", true)) << "only files have sizes";
}

TEST(Selection, RulesOfAFile) {
    const auto rules = rules_of_text("\xef\xbb\xbf# comment\n*.o\r\n\n!keep.o\nwith space\\ \n  \n", false);
    ASSERT_EQ(rules.size(), 3u);
    EXPECT_EQ(rules[0].text, "*.o");
    EXPECT_FALSE(rules[0].include);
    EXPECT_EQ(rules[1].text, "keep.o");
    EXPECT_TRUE(rules[1].include);
    EXPECT_EQ(rules[2].text, "with space\\ ");
}

}  // namespace
}  // namespace act::plan
