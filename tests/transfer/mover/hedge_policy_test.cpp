// When a slow request is sent once more: the policy on traces.
#include "transfer/mover/hedge_policy.hpp"

#include <random>

#include <gtest/gtest.h>

namespace act {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t KiB = 1024, MiB = 1024 * KiB;

hedge_policy after(unsigned n, std::uint64_t bytes, steady::duration each) {
    hedge_policy p;
    for (unsigned i = 0; i < n; ++i) p.ended(bytes, each);
    return p;
}

TEST(hedge_policy, with_nothing_known_only_what_takes_very_long_is_slow) {
    hedge_policy p;
    EXPECT_EQ(p.patience(0), 10s);
    EXPECT_GE(p.patience(8 * MiB), 256s) << "a slow line is no stalled one";
    EXPECT_GT(p.ask(0, 9s), 0s);
    EXPECT_EQ(p.ask(0, 10s), 0s);
}

TEST(hedge_policy, nothing_below_a_second_is_slow) {
    auto p = after(100, 4 * KiB, 2ms);
    EXPECT_EQ(p.patience(4 * KiB), 1s);
    EXPECT_GT(p.ask(4 * KiB, 999ms), 0s);
    EXPECT_EQ(p.ask(4 * KiB, 1s), 0s);
}

TEST(hedge_policy, slow_is_measured_against_requests_of_the_same_size) {
    auto p = after(100, 4 * KiB, 20ms);
    for (int i = 0; i < 100; ++i) p.ended(8 * MiB, 3s);
    EXPECT_EQ(p.patience(4 * KiB), 1s);
    EXPECT_GT(p.patience(8 * MiB), 5s);
    EXPECT_LT(p.patience(8 * MiB), 8s);
}

TEST(hedge_policy, the_tail_of_the_peers_counts) {
    hedge_policy p;
    std::mt19937 random(1);
    std::lognormal_distribution<double> took(-1.0, 0.4);  // a median of 0.37 s, a 99th percentile of 0.93 s
    unsigned slow = 0;
    for (int i = 0; i < 5000; ++i) {
        const std::chrono::duration<double> t(took(random));
        if (i > 100 && t > p.patience(MiB)) ++slow;
        p.ended(MiB, std::chrono::duration_cast<steady::duration>(t));
    }
    EXPECT_LT(slow, 10u);
    EXPECT_LT(p.patience(MiB), 3s);
}

TEST(hedge_policy, stalls_that_came_to_an_end_do_not_become_usual) {
    hedge_policy p;
    for (int i = 0; i < 1000; ++i) p.ended(MiB, i % 20 == 0 ? 20s : 50ms);
    EXPECT_EQ(p.patience(MiB), 1s);
}

TEST(hedge_policy, sizes_that_are_not_known_yet_are_judged_by_their_neighbours) {
    auto p = after(50, 8 * MiB, 1s);
    EXPECT_EQ(p.patience(3 * MiB), p.patience(8 * MiB));
    EXPECT_EQ(p.patience(64 * MiB), 8 * p.patience(8 * MiB));
    // One tells little, but more than none.
    EXPECT_GE(after(1, 8 * MiB, 1s).patience(8 * MiB), 8s);
    EXPECT_LT(after(1, 8 * MiB, 1s).patience(8 * MiB), 10s);
}

TEST(hedge_policy, a_network_that_changes_is_followed) {
    auto p = after(10'000, MiB, 100ms);
    EXPECT_EQ(p.patience(MiB), 1s);
    for (int i = 0; i < 3000; ++i) p.ended(MiB, 4s);
    EXPECT_GT(p.patience(MiB), 4s);
}

TEST(hedge_policy, the_extra_load_has_a_bound) {
    // Everything is slow, all the time.
    hedge_policy p;
    unsigned repeated = 0;
    for (unsigned i = 0; i < 10'000; ++i) {
        p.ended(KiB, 10ms);
        if (p.ask(KiB, 1h) == steady::duration()) ++repeated;
    }
    EXPECT_GT(repeated, 150u);
    EXPECT_LE(repeated, 4 + 200u);
    // After a long time without any, no more than a few at once.
    for (unsigned i = 0; i < 10'000; ++i) p.ended(KiB, 10ms);
    unsigned at_once = 0;
    while (p.ask(KiB, 1h) == steady::duration()) ++at_once;
    EXPECT_EQ(at_once, 8u);
    EXPECT_GE(p.ask(KiB, 1h), 1s) << "who may not asks again later";
}

}  // namespace
}  // namespace act
