#include "engine/async/retry.hpp"

#include <gtest/gtest.h>

namespace act {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, StaysWithinItsBoundsAndEnds) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        backoff b({.max_tries = 6, .first_delay = 300ms, .max_delay = 2s}, seed);
        int delays = 0;
        while (auto d = b.next({})) {
            EXPECT_GE(*d, 300ms);
            EXPECT_LE(*d, 2s);
            ++delays;
        }
        EXPECT_EQ(delays, 5);
    }
}

TEST(Backoff, WaitsAtLeastWhatTheServiceAskedFor) {
    backoff b({.max_tries = 3, .first_delay = 1ms, .max_delay = 5ms}, 1);
    EXPECT_GE(*b.next(7s), 7s);
}

TEST(Backoff, DifferentSeedsSpread) {
    backoff a({}, 1), b({}, 2);
    EXPECT_NE(*a.next({}), *b.next({}));
}

TEST(RateLimiter, LetsTheBurstPassThenKeepsTheRate) {
    rate_limiter limit(10, 5);
    const auto start = steady::now();
    EXPECT_EQ(limit.reserve(5, start), 0ns);
    EXPECT_NEAR(std::chrono::duration<double>(limit.reserve(1, start)).count(), 0.1, 0.01);
    EXPECT_NEAR(std::chrono::duration<double>(limit.reserve(1, start)).count(), 0.2, 0.01);
    EXPECT_EQ(limit.reserve(1, start + 1s), 0ns);
}

}  // namespace
}  // namespace act
