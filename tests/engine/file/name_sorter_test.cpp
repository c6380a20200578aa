#include "engine/file/name_sorter.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace act::file;
using testing::ElementsAre;

std::vector<std::string> drain(sorted_names names) {
    std::vector<std::string> out;
    std::size_t left = names.left();
    while (const auto* item = names.peek()) {
        EXPECT_EQ(names.left(), left--);
        out.emplace_back(item->name);
        names.pop();
    }
    EXPECT_EQ(names.left(), 0U);
    EXPECT_TRUE(names.whole());
    return out;
}

TEST(name_sorter, byte_order_with_the_slash) {
    name_sorter sorter(1 << 20);
    for (const char* name :
         {"b", "a/", "a-b", "a", "a.b", "a0", "\xc3\xbc", "abcdefgh", "abcdefghi", "abcdefg", "A"}) {
        sorter.add(name, name_kind::file);
    }
    EXPECT_THAT(drain(sorter.finish()), ElementsAre("A", "a", "a-b", "a.b", "a/", "a0", "abcdefg", "abcdefgh",
                                                    "abcdefghi", "b", "\xc3\xbc"));
}

TEST(name_sorter, nothing) {
    EXPECT_THAT(drain(name_sorter(100).finish()), ElementsAre());
    EXPECT_EQ(sorted_names().peek(), nullptr);
    EXPECT_EQ(sorted_names().left(), 0U);
}

TEST(name_sorter, runs_on_disk_merge_to_the_same_order) {
    std::mt19937_64 random(1);
    std::vector<std::string> names;
    for (int i = 0; i < 20'000; ++i) {
        std::string name = std::to_string(random() % 1'000'000) + "-" + std::to_string(i);
        name.resize(name.size() + random() % 200, 'x');
        names.push_back(std::move(name));
    }
    std::vector<std::string> want = names;
    std::ranges::sort(want);
    for (const std::size_t memory : {std::size_t{1} << 30, std::size_t{500'000}, std::size_t{30'000}}) {
        name_sorter sorter(memory);
        for (const std::string& name : names) sorter.add(name, name_kind::directory);
        EXPECT_EQ(sorter.runs() > 1, memory < 1'000'000) << memory;
        EXPECT_EQ(drain(sorter.finish()), want) << memory;
    }
}

TEST(name_sorter, kinds_stay_with_their_names) {
    for (const std::size_t memory : {1, 1 << 20}) {
        name_sorter sorter(static_cast<std::size_t>(memory));
        sorter.add("b", name_kind::link);
        sorter.add("a/", name_kind::directory);
        sorter.add("a", name_kind::place);
        auto names = sorter.finish();
        for (const auto kind : {name_kind::place, name_kind::directory, name_kind::link}) {
            ASSERT_NE(names.peek(), nullptr);
            EXPECT_EQ(names.peek()->kind, kind);
            names.pop();
        }
    }
}

TEST(name_sorter, without_a_place_for_runs_memory_is_used) {
    ::setenv("TMPDIR", "/proc",
             1);  // the folders after it exist, so this shows only that a bad TMPDIR does no harm
    name_sorter sorter(1);
    sorter.add("b", name_kind::file);
    sorter.add("a", name_kind::file);
    ::unsetenv("TMPDIR");
    EXPECT_THAT(drain(sorter.finish()), ElementsAre("a", "b"));
}

}  // namespace
