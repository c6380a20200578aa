#include "transfer/plan/range_listing.hpp"

#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "paged_names.hpp"

namespace act::plan {
namespace {

using test::paged_names;
using names = std::vector<std::string>;

struct outcome {
    names got;
    std::optional<error> failure;
    std::size_t most_at_once = 0;  // names in one page
};

class range_listing_test : public testing::Test {
protected:
    runtime rt{{.loops = 1, .blocking_threads = 1}};
    buffer_pool* budget = nullptr;
    std::size_t guesses = 0, pages = 0;

    static task<void> consume(range_listing& listing, outcome& out, std::size_t stop_after, bool& ended,
                              task_group& group) {
        for (std::size_t n = 0; n < stop_after; ++n) {
            auto page = co_await listing.next();
            if (!page) {
                out.failure = page.error();
                break;
            }
            if (!*page) break;
            out.most_at_once = std::max(out.most_at_once, (*page)->size());
            for (auto& item : (*page)->take()) out.got.push_back(std::move(item.name));
        }
        listing.abandon();
        co_await group.join();
        ended = true;
    }

    outcome list(paged_names& source, const std::string& prefix, range_listing::limits l,
                 std::size_t stop_after = SIZE_MAX) {
        outcome out;
        auto all = [&]() -> task<void> {
            range_listing listing(source, prefix, l, budget, {});
            task_group fetching, both;
            bool ended = false;
            listing.start(rt, fetching);
            both.spawn(loop::current(), consume(listing, out, stop_after, ended, fetching));
            both.spawn(loop::current(), source.serve(ended));
            co_await both.join();
            guesses = listing.guesses_asked();
            pages = listing.pages_asked();
        };
        rt.run(all());
        return out;
    }

    static range_listing::limits small(unsigned page) {
        range_listing::limits l;
        l.page = page;
        return l;
    }

    static range_listing::limits eager(unsigned page) {
        auto l = range_listing::eager();
        l.page = page;
        return l;
    }

    static names below(const paged_names& source, const std::string& prefix) {
        names out;
        for (const auto& n : const_cast<paged_names&>(source).names()) {
            if (n.starts_with(prefix)) out.push_back(n);
        }
        return out;
    }
};

names numbered(std::size_t count, const char* form) {
    names out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(fmt::format(fmt::runtime(form), i));
    return out;
}

names hashes(std::size_t count, unsigned seed, const std::string& before) {
    std::mt19937_64 random(seed);
    names out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(fmt::format("{}{:016x}.bin", before, random()));
    return out;
}

// Words of a few characters each, so that names share beginnings, end within others, and are of any bytes.
names nasty(std::mt19937& random) {
    static const names pieces = {"",       "0",       "1",    "9", "a",    "z",     "A",    "/",
                                 "//",     "-",       ".",    " ", "é",    "ü",     "日",   "本",
                                 "💾",     "\x7f",    "\x01", "~", "00",   "10",    "data", "ab",
                                 "\uFFFD", "e\u0301", "img",  "_", "a/b/", "999999"};
    auto up_to = [&](std::size_t n) { return random() % (n + 1); };
    names vocabulary;
    for (std::size_t i = 0; i < 2 + up_to(10); ++i) vocabulary.push_back(pieces[up_to(pieces.size() - 1)]);
    names out;
    const std::size_t count = up_to(400), longest = 1 + up_to(8);
    for (std::size_t i = 0; i < count; ++i) {
        std::string name = up_to(3) ? "p/" : "";
        for (std::size_t w = up_to(longest); w > 0; --w) name += vocabulary[up_to(vocabulary.size() - 1)];
        if (up_to(3) == 0) name += std::to_string(up_to(2000));
        if (!name.empty()) out.push_back(name);
    }
    return out;
}

TEST_F(range_listing_test, lists_whatever_names_there_are_once_and_in_order) {
    std::size_t guessed = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 random(seed);
        paged_names source(nasty(random), seed);
        auto l = small(1 + random() % 12);
        l.pages_before_split = 1 + random() % 3;
        l.pages_held = 2 + random() % 20;
        source.largest_page = 1 + random() % 12;
        const std::string prefix = names{"", "p/", "p", "é", "p/1"}[random() % 5];
        auto o = list(source, prefix, l);
        ASSERT_FALSE(o.failure) << seed << o.failure->describe();
        ASSERT_EQ(o.got, below(source, prefix)) << seed;
        guessed += guesses;
    }
    EXPECT_GT(guessed, 2'000u);  // or nothing was tested
}

TEST_F(range_listing_test, a_short_listing_costs_what_it_costs_serially) {
    for (std::size_t count : {0u, 1u, 99u, 100u, 101u, 200u}) {
        paged_names source(numbered(count, "p/{:06}")), again(numbered(count, "p/{:06}"));
        EXPECT_EQ(list(again, "p/", small(100)).got.size(), count);
        EXPECT_EQ(again.requests(), std::max<std::size_t>(1, (count + 99) / 100)) << count;
        // Eagerly a few more, from two pages on.
        EXPECT_EQ(list(source, "p/", eager(100)).got.size(), count);
        if (count <= 100) EXPECT_EQ(source.requests(), 1u) << count;
        EXPECT_LE(source.requests(), 9u) << count;
    }
    paged_names four(numbered(400, "p/{:06}"));
    EXPECT_EQ(list(four, "p/", small(100)).got.size(), 400u);
    EXPECT_LE(four.requests(), 14u);
}

struct kind_of_names {
    const char* what;
    names all;
    double times_faster;
    double requests_a_page;
};

TEST_F(range_listing_test, long_listings_take_few_rounds_and_not_many_more_requests) {
    auto sparse = [] {
        names out;
        std::mt19937 random(5);
        for (int c = 0; c < 300; ++c) {
            const auto folder = random() % 15'000'000;
            for (int i = 0; i < 400; ++i)
                out.push_back(fmt::format("p/n{:08}/{}_{}.JPEG", folder, folder, i));
        }
        return out;
    };
    auto skewed = [] {
        names out = numbered(15'000, "p/frame_{:09}.png");
        for (auto& n : numbered(7'500, "p/a/b/c/{:05}")) out.push_back(n);
        for (auto& n : hashes(7'500, 3, "p/z/")) out.push_back(n);
        return out;
    };
    const kind_of_names kinds[] = {
        {"numbers", numbered(50'000, "p/data/{:012}.jpg"), 9, 2.5},
        {"numbers that end anywhere", numbered(29'571, "p/data/{:012}.jpg"), 7, 2.5},
        {"numbers of any length", numbered(30'000, "p/img_{}.jpg"), 2.5, 4.5},
        {"hashes", hashes(37'500, 1, "p/"), 5, 3.6},
        {"folders with gaps between", sparse(), 1, 3.2},
        {"of several kinds", skewed(), 2.5, 3},
    };
    for (const auto& k : kinds) {
        for (const auto& limits : {small(250), eager(250)}) {
            paged_names source(k.all);
            const double serial = std::ceil(static_cast<double>(source.names().size()) / 250);
            auto o = list(source, "p/", limits);
            EXPECT_EQ(o.got, source.names()) << k.what;
            const double faster = serial / source.rounds();
            EXPECT_GE(faster, k.times_faster) << k.what << ": " << source.rounds() << " rounds";
            EXPECT_LE(static_cast<double>(source.requests()) / serial, k.requests_a_page) << k.what;
        }
    }
}

TEST_F(range_listing_test, markers_that_are_good_for_one_prefix_only_make_it_serial) {
    using enum paged_names::markers;
    for (auto kind : {of_a_prefix, ignored, skipping}) {
        paged_names source(numbered(5000, "p/{:06}"));
        source.kind = kind;
        auto o = list(source, "p/", small(100));
        EXPECT_FALSE(o.failure);
        EXPECT_EQ(o.got, source.names());
        EXPECT_LE(source.requests(), 50u + 6 + 1 + 6);
    }
}

// As accounts with a hierarchical namespace list: '/' before everything else.
bool by_folders(const std::string& a, const std::string& b) {
    auto low = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](char x, char y) { return low(x) < low(y); });
}

TEST_F(range_listing_test, the_order_is_the_services_whichever_it_is) {
    for (unsigned seed = 0; seed < 25; ++seed) {
        std::mt19937 random(seed);
        auto all = nasty(random);
        for (auto& n : numbered(100, "p/a-{:03}")) all.push_back(n);
        for (auto& n : numbered(100, "p/a/{:03}")) all.push_back(n);
        paged_names source(std::move(all), seed, by_folders);
        auto o = list(source, "p/", small(3 + random() % 10));
        ASSERT_FALSE(o.failure) << seed;
        ASSERT_EQ(o.got, below(source, "p/")) << seed;
    }
}

// As consistent as a serial listing: what stays is listed once, in order; what comes or goes may be or not.
TEST_F(range_listing_test, what_stays_is_listed_once_while_others_come_and_go) {
    for (unsigned seed = 0; seed < 25; ++seed) {
        std::mt19937 random(seed);
        std::set<std::string> stays, all;
        for (int i = 0; i < 600; ++i) {
            auto name = fmt::format("p/{:04}", random() % 3000);
            all.insert(name);
            if (random() % 2) stays.insert(name);
        }
        paged_names source(names(all.begin(), all.end()), seed);
        source.meddle = [&](auto&, auto&, unsigned) {
            auto& now = source.names();
            for (int i = 0; i < 3; ++i) {
                auto name = fmt::format("p/{:04}", random() % 3000);
                auto at = std::lower_bound(now.begin(), now.end(), name);
                const bool there = at != now.end() && *at == name;
                if (there && !stays.contains(name)) now.erase(at);
                if (!there) now.insert(at, name);
            }
            return std::optional<error>();
        };
        auto o = list(source, "p/", small(7));
        ASSERT_FALSE(o.failure) << seed << o.failure->describe();
        ASSERT_TRUE(std::is_sorted(o.got.begin(), o.got.end())) << seed;
        ASSERT_EQ(std::adjacent_find(o.got.begin(), o.got.end()), o.got.end()) << seed;
        ASSERT_TRUE(std::includes(o.got.begin(), o.got.end(), stays.begin(), stays.end())) << seed;
    }
}

TEST_F(range_listing_test, a_failed_page_fails_the_listing_behind_what_came_before) {
    for (unsigned fatal = 1; fatal < 40; fatal += 3) {
        paged_names source(numbered(5000, "p/{:06}"), fatal);
        unsigned page = 0;
        source.meddle = [&](auto&, auto&, unsigned most) {
            if (most == 1 || ++page != fatal) return std::optional<error>();
            return std::optional<error>(error(kind::unavailable, "broken"));
        };
        auto o = list(source, "p/", small(100));
        // Those that compare markers are not of the listing: without them it is serial.
        if (!o.failure) EXPECT_EQ(o.got, source.names());
        if (page >= fatal && o.failure) {
            EXPECT_EQ(o.failure->kind(), kind::unavailable);
            const names expected(source.names().begin(),
                                 source.names().begin() + static_cast<std::ptrdiff_t>(o.got.size()));
            EXPECT_EQ(o.got, expected);
        } else if (fatal < 3 || fatal > 10) {
            EXPECT_LT(page, fatal);
        }
    }
}

TEST_F(range_listing_test, guesses_that_fail_do_not_fail_the_listing) {
    paged_names source(numbered(5000, "p/{:06}"));
    source.meddle = [&](auto&, auto&, unsigned most) {
        return most == 1 ? std::optional<error>(error(kind::unavailable, "broken")) : std::nullopt;
    };
    auto o = list(source, "p/", small(100));
    EXPECT_FALSE(o.failure);
    EXPECT_EQ(o.got, source.names());
}

TEST_F(range_listing_test, the_same_page_again_and_again_is_an_error) {
    class stuck final : public page_source {
        task<result<blob::list_page>> fetch(std::string, std::string, unsigned, until) override {
            co_return blob::list_page(std::vector<blob::properties>(), "again");
        }
    } source;
    auto all = [&]() -> task<result<std::optional<blob::list_page>>> {
        range_listing listing(source, "", {}, nullptr, {});
        task_group fetching;
        listing.start(rt, fetching);
        auto page = co_await listing.next();
        listing.abandon();
        co_await fetching.join();
        co_return page;
    };
    auto page = rt.run(all());
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind(), kind::protocol);
}

TEST_F(range_listing_test, abandoned_it_ends_without_another_answer) {
    paged_names source(numbered(20'000, "p/{:06}"));
    list(source, "p/", small(100), 20);
    EXPECT_LT(source.requests(), 150u);
}

TEST_F(range_listing_test, holds_no_more_pages_than_the_budget_has_room_for) {
    const std::size_t page = 100 * (sizeof(blob::properties) + 256);
    buffer_pool pool(9 * page);
    budget = &pool;
    paged_names source(numbered(10'000, "p/{:06}"));
    EXPECT_EQ(list(source, "p/", small(100)).got, source.names());
    EXPECT_EQ(pool.in_use(), 0u);
    EXPECT_LE(source.most_waiting(), 3u + 16u);
    budget = nullptr;
    paged_names again(numbered(10'000, "p/{:06}"));
    list(again, "p/", small(100));
    EXPECT_GT(again.most_waiting(), 3u + 8u);
}

TEST_F(range_listing_test, pages_are_held_by_what_they_weigh) {
    const std::size_t page = 100 * (sizeof(blob::properties) + 256);
    // For two pages as heavy as they can be, of a quarter.
    buffer_pool pool(9 * page);
    budget = &pool;
    const auto most_at_once = [&](std::size_t per_name, std::size_t per_page, std::size_t first_page) {
        paged_names source(numbered(10'000, "p/{:06}"));
        source.bytes_per_name = per_name;
        source.bytes_per_page = per_page;
        bool begun = false;
        source.meddle = [&](auto&, auto&, unsigned) {
            source.largest_page = std::exchange(begun, true) ? 5000 : static_cast<unsigned>(first_page);
            return std::optional<error>();
        };
        EXPECT_EQ(list(source, "p/", small(100)).got, source.names());
        EXPECT_EQ(pool.in_use(), 0u);
        return source.most_waiting();
    };
    EXPECT_GT(most_at_once(50, 0, 100), 8u + 16u);
    // A short page tells little of the others: neither the first nor any other.
    EXPECT_GT(most_at_once(50, 2000, 1), 8u + 16u);
    EXPECT_LE(most_at_once(2 * (sizeof(blob::properties) + 256), 0, 100), 3u + 16u);
}

/// Reads two listings in turn; what both held of the budget at most.
task<void> read_in_turn(range_listing& a, range_listing& b, buffer_pool& pool, std::size_t& names_got,
                        std::size_t& most_held, bool& a_ended, bool& b_ended, task_group& fetching) {
    for (bool more = true; more;) {
        more = false;
        for (range_listing* each : {&a, &b}) {
            auto page = co_await each->next();
            EXPECT_TRUE(page);
            if (!page || !*page) continue;
            more = true;
            names_got += (*page)->size();
            most_held = std::max(most_held, pool.in_use());
        }
    }
    co_await fetching.join();
    a_ended = b_ended = true;
}

TEST_F(range_listing_test, two_of_them_leave_half_of_the_budget_to_who_waits_for_it) {
    const std::size_t page = 100 * (sizeof(blob::properties) + 256);
    for (const std::size_t pages_of_budget : {40, 1}) {
        buffer_pool pool(pages_of_budget * page);
        paged_names first(numbered(10'000, "p/{:06}")), second(numbered(10'000, "p/{:06}"));
        std::size_t got = 0, most = 0;
        auto all = [&]() -> task<void> {
            range_listing a(first, "p/", small(100), &pool, {}), b(second, "p/", small(100), &pool, {});
            task_group fetching, together;
            bool a_ended = false, b_ended = false;
            a.start(rt, fetching);
            b.start(rt, fetching);
            together.spawn(loop::current(), read_in_turn(a, b, pool, got, most, a_ended, b_ended, fetching));
            together.spawn(loop::current(), first.serve(a_ended));
            together.spawn(loop::current(), second.serve(b_ended));
            co_await together.join();
        };
        rt.run(all());
        EXPECT_EQ(got, 20'000u);
        EXPECT_LE(most, pool.budget() / 2);
        // A budget without room for two pages is left alone: two there must be.
        EXPECT_EQ(most == 0, pages_of_budget == 1);
    }
}

TEST(name_shape_test, guesses_count_up_and_carry) {
    const name_shape shape{.level = 3, .alphabet = "0123456789", .per_step = 1};
    EXPECT_EQ(guesses(shape, "p/085", "", 2, 1, 0, 4), (names{"p/09", "p/10", "p/11", "p/12"}));
    EXPECT_EQ(guesses(shape, "p/985", "", 2, 1, 0, 4), (names{"p/99"}));
    EXPECT_EQ(guesses(shape, "p/085", "p/105", 2, 1, 0, 4), (names{"p/09"}));
    EXPECT_EQ(guesses(shape, "p/685", "", 2, 1, 1, 4), (names{"p/7", "p/8", "p/9"}));
}

TEST(name_shape_test, a_page_tells_where_and_how_densely_names_differ) {
    std::vector<blob::properties> page;
    for (int i = 200; i < 1200; ++i) page.emplace_back().name = fmt::format("p/{:06}", i);
    auto shape = shape_of({page, ""}, 2);
    ASSERT_TRUE(shape);
    EXPECT_EQ(shape->level, 5u);  // hundreds: thousands take up too much of a page each
    EXPECT_EQ(shape->alphabet, "0123456789");
    EXPECT_EQ(shape->per_step, 100);
    EXPECT_TRUE(shape->even);
    EXPECT_FALSE(shape_of({{page.front()}, ""}, 2));
}

TEST(name_shape_test, names_of_no_order_are_counted_in_the_mean) {
    std::vector<blob::properties> page;
    auto all = hashes(100'000, 7, "p/");
    std::ranges::sort(all);
    for (std::size_t i = 0; i < 5000; ++i) page.emplace_back().name = all[i];
    auto shape = shape_of({page, ""}, 2);
    ASSERT_TRUE(shape);
    EXPECT_FALSE(shape->even);
    EXPECT_NEAR(shape->per_step, 100'000 / std::pow(16, shape->level - 1), shape->per_step / 10);
}

TEST(name_shape_test, guesses_never_cut_a_character_in_two) {
    std::vector<blob::properties> page(2);
    page[0].name = "p/日a";
    page[1].name = "p/本a";
    if (auto shape = shape_of({page, ""}, 2)) {
        for (std::size_t coarse = 0; coarse < 4; ++coarse) {
            for (const auto& g : guesses(*shape, page[1].name, "", 2, 1, coarse, 100)) {
                EXPECT_TRUE(std::all_of(g.begin(), g.end(), [](char c) { return c > 0; })) << g;
            }
        }
    }
}

}  // namespace
}  // namespace act::plan
