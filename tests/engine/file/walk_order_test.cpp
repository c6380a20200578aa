#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "walk_fixture.hpp"

namespace {

using namespace act;
using namespace act::file;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(walk_order, whole_names_slash_included) {
    const temporary_folder t;
    for (const char* name :
         {"a-b", "a/b", "a.b", "a0", "a/b-c", "a/b.d/x", "ab", "a b", "B", "\xc3\xbc/x", "\xc3\xa4"}) {
        std::string n = name;
        if (n == "a/b") n = "a/c";
        t.write(n);
    }
    EXPECT_THAT(walk_all(t.path()).names(), ElementsAre("B", "a b", "a-b", "a.b", "a/b-c", "a/b.d/x", "a/c",
                                                        "a0", "ab", "\xc3\xa4", "\xc3\xbc/x"));
}

TEST(walk_order, an_empty_directory_stands_by_its_plain_name) {
    const temporary_folder t;
    t.directory("a");
    t.write("a-b/x");
    t.write("a.txt");
    t.directory("d-d");
    t.write("d/x");
    t.directory("d-/e");
    EXPECT_THAT(walk_all(t.path()).names(), ElementsAre("a/", "a-b/x", "a.txt", "d-/e/", "d-d/", "d/x"));
}

/// A tree of names that are prefixes of each other as often as possible.
std::set<std::string> random_tree(const temporary_folder& t, std::mt19937_64& random, int files) {
    static constexpr std::string_view letters = "a-./0~";
    std::set<std::string> names;
    while (static_cast<int>(names.size()) < files) {
        std::string name;
        const std::size_t parts = 1 + random() % 4;
        for (std::size_t p = 0; p < parts; ++p) {
            if (p) name += '/';
            name += "ab"[random() % 2];
            for (std::size_t n = random() % 3; n > 0; --n) {
                const char c = letters[random() % letters.size()];
                if (c != '/') name += c;
            }
        }
        std::error_code failed;
        const std::filesystem::path full = t / name;
        std::filesystem::create_directories(full.parent_path(), failed);
        if (failed || std::filesystem::exists(full)) continue;
        const bool empty_directory = random() % 8 == 0;
        if (empty_directory) {
            std::filesystem::create_directory(full, failed);
        } else {
            t.write(name);
        }
        if (!failed) names.insert(name);
    }
    // What began as an empty directory may have got something since.
    std::erase_if(names, [&](const std::string& name) {
        return std::filesystem::is_directory(t / name) && !std::filesystem::is_empty(t / name);
    });
    return names;
}

TEST(walk_order, random_trees_with_any_batch_threads_and_memory) {
    std::mt19937_64 random(42);
    for (int round = 0; round < 12; ++round) {
        const temporary_folder t;
        const auto want = random_tree(t, random, 150);
        for (const unsigned threads : {0U, 1U, 2U, 5U}) {
            for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{256}}) {
                walk_options options;
                options.threads = threads;
                options.batch = batch;
                options.batches_ahead = 1 + random() % 4;
                options.sort_memory = round % 2 ? 64 : 1 << 20;
                const auto w = walk_all(t.path(), options);
                std::vector<std::string> names;
                for (const entry& e : w.entries) names.push_back(e.name);
                ASSERT_THAT(names, testing::ElementsAreArray(want))
                    << threads << " threads, batches of " << batch;
                ASSERT_THAT(w.problems, IsEmpty());
            }
        }
    }
}

TEST(walk_order, by_components_a_folder_comes_with_all_that_is_below_it) {
    std::mt19937_64 random(7);
    const auto before = [](const std::string& a, const std::string& b) {
        return compare(name_order::components, a, b) < 0;
    };
    for (int round = 0; round < 12; ++round) {
        const temporary_folder t;
        const auto names = random_tree(t, random, 150);
        std::vector<std::string> want(names.begin(), names.end());
        std::ranges::sort(want, before);
        for (const unsigned threads : {0U, 2U}) {
            walk_options options;
            options.order = name_order::components;
            options.threads = threads;
            options.batch = 1 + random() % 20;
            options.sort_memory = round % 2 ? 64 : 1 << 20;
            std::vector<std::string> seen;
            for (const entry& e : walk_all(t.path(), options).entries) seen.push_back(e.name);
            EXPECT_EQ(seen, want);
        }
    }
    // What both orders tell apart.
    const temporary_folder t;
    for (const char* name : {"a-b", "a.txt", "a/b-c", "a/b.d/e", "a0", "\1"}) t.write(name);
    EXPECT_THAT(walk_all(t.path(), {.order = name_order::components}).names(),
                testing::ElementsAre("\1", "a/b-c", "a/b.d/e", "a-b", "a.txt", "a0"));
    EXPECT_THAT(walk_all(t.path()).names(),
                testing::ElementsAre("\1", "a-b", "a.txt", "a/b-c", "a/b.d/e", "a0"));
}

TEST(walk_order, batches_keep_to_their_size) {
    const temporary_folder t;
    for (int i = 0; i < 300; ++i) t.write("d" + std::to_string(i % 7) + "/f" + std::to_string(i));
    for (const std::size_t batch : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
        walk_options options;
        options.batch = batch;
        walker w(t.path(), options, {});
        std::size_t total = 0;
        for (;;) {
            const auto entries = w.next().value();
            if (entries.empty()) break;
            EXPECT_LE(entries.size(), batch);
            total += entries.size();
        }
        EXPECT_EQ(total, 300U);
    }
}

TEST(walk_order, a_slow_consumer_does_not_let_the_readers_run_away) {
    const temporary_folder t;
    for (int i = 0; i < 400; ++i) {
        for (int f = 0; f < 5; ++f) t.write("d" + std::to_string(i) + "/f" + std::to_string(f));
    }
    std::atomic<std::size_t> seen{0};
    walk_options options;
    options.batch = 10;
    options.batches_ahead = 4;
    options.want = [&](std::string_view, bool directory) {
        if (!directory) ++seen;
        return true;
    };
    walker w(t.path(), options, {});
    std::size_t taken = 0;
    for (;;) {
        const auto batch = w.next().value();
        if (batch.empty()) break;
        taken += batch.size();
        // Forty names ahead, and what was being read when that was reached.
        EXPECT_LE(seen, taken + 40 + 5 * 5);
    }
    EXPECT_EQ(taken, 2000U);
}

TEST(walk_order, a_large_directory_is_sorted_in_runs) {
    const temporary_folder t;
    for (int i = 0; i < 3000; ++i) t.write("big/" + std::to_string(i * 7919 % 3000));
    const auto want = walk_all(t.path()).names();
    ASSERT_EQ(want.size(), 3000U);
    EXPECT_TRUE(std::ranges::is_sorted(want));
    EXPECT_EQ(walk_all(t.path(), {.sort_memory = 4096}).names(), want);
}

}  // namespace
