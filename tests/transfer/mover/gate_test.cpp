#include "transfer/mover/gate.hpp"

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"

namespace act {
namespace {

using namespace std::chrono_literals;

controller::options fixed(unsigned n) { return {.start = n, .least = n, .most = n}; }

http::admission::report ended(int status = 200) {
    const auto now = steady::now();
    return {.begun = now, .ended = now, .status = status};
}

struct counts {
    std::atomic<int> inside{0}, worst{0}, done{0}, stopped{0};
};

task<void> pass(gate& g, counts& c, int times, until u) {
    for (int i = 0; i < times; ++i) {
        if (!g.try_enter(0, steady::now())) {
            if (auto ok = co_await g.enter(0, u); !ok) {
                ++c.stopped;
                co_return;
            }
        }
        const int now = ++c.inside;
        int seen = c.worst;
        while (now > seen && !c.worst.compare_exchange_weak(seen, now)) {
        }
        (void)co_await sleep_for(10us, {});
        --c.inside;
        ++c.done;
        g.leave(ended());
    }
}

task<void> crowd(runtime& rt, gate& g, counts& c, int of, int times, until u) {
    task_group all;
    for (int i = 0; i < of; ++i) all.spawn(rt.at(static_cast<unsigned>(i) % rt.size()), pass(g, c, times, u));
    co_await all.join();
}

TEST(gate, never_lets_more_in_than_its_limit_and_forgets_nobody) {
    runtime rt({.loops = 2});
    gate g("a", fixed(3));
    counts c;
    rt.run(crowd(rt, g, c, 40, 50, {}));
    EXPECT_EQ(c.done, 2000);
    EXPECT_LE(c.worst, 3);
}

TEST(gate, who_waits_in_line_can_be_stopped_and_the_next_gets_the_turn) {
    runtime rt({.loops = 2});
    gate g("a", fixed(1));
    ASSERT_TRUE(g.try_enter(0, steady::now()));
    counts stopped, others;
    stop_source stop;
    auto body = [&]() -> task<void> {
        task_group all;
        for (int i = 0; i < 8; ++i) {
            all.spawn(rt.at(0), pass(g, stopped, 1, until{.stop = stop.token()}));
            all.spawn(rt.at(1), pass(g, others, 1, {}));
        }
        stop.request();
        while (stopped.stopped < 8) (void)co_await sleep_for(1ms, {});
        EXPECT_EQ(others.done, 0);
        g.leave(ended());
        co_await all.join();
    };
    rt.run(body());
    EXPECT_EQ(stopped.stopped, 8);
    EXPECT_EQ(others.done, 8);
    EXPECT_TRUE(g.try_enter(0, steady::now()));
}

TEST(gate, nobody_overtakes_the_line) {
    runtime rt({.loops = 1});
    gate g("a", fixed(1));
    ASSERT_TRUE(g.try_enter(0, steady::now()));
    auto body = [&]() -> task<void> {
        counts c;
        task_group all;
        stop_source stop;
        all.spawn(rt.at(0), pass(g, c, 1, until{.stop = stop.token()}));
        (void)co_await sleep_for(1ms, {});
        EXPECT_FALSE(g.try_enter(0, steady::now()));
        g.leave(ended());
        // There is room, but it is somebody's.
        EXPECT_FALSE(g.try_enter(0, steady::now()));
        co_await all.join();
        EXPECT_EQ(c.done, 1);
    };
    rt.run(body());
}

TEST(gate, a_cap_on_operations_takes_its_time) {
    runtime rt({.loops = 2});
    gate g("a", {.cap_operations = 1000});
    counts c;
    const auto begun = steady::now();
    rt.run(crowd(rt, g, c, 10, 20, {}));
    EXPECT_EQ(c.done, 200);
    // The first ten may come at once.
    EXPECT_GE(steady::now() - begun, 185ms);
}

TEST(gate, tells_how_many_lanes_are_wanted) {
    std::atomic<unsigned> lanes{32};
    gate g("a", {.start = 20, .least = 4, .most = 100}, &lanes);
    ASSERT_TRUE(g.try_enter(0, steady::now()));
    g.leave(ended());
    EXPECT_EQ(lanes, 20u);
    ASSERT_TRUE(g.try_enter(0, steady::now()));
    g.leave(ended(503));
    // Some wait for their next try: others take their place.
    EXPECT_EQ(lanes, 100u);
}

TEST(gate, repeats_slow_requests_unless_told_not_to_or_the_account_refuses_some) {
    const auto now = steady::now();
    gate never("a", {}, nullptr, false), alone("a", fixed(1)), g("a", {});
    EXPECT_EQ(never.repeat(0, 1h), http::admission::never);
    EXPECT_EQ(alone.repeat(0, 1h), http::admission::never);
    EXPECT_EQ(g.repeat(0, 1h), 0s);
    ASSERT_TRUE(g.try_enter(0, now));
    g.leave(ended(503));
    EXPECT_GT(g.repeat(0, 1h), 0s);
    EXPECT_NE(g.repeat(0, 1h), http::admission::never);
}

TEST(gate, learns_how_long_requests_take_from_those_that_were_read_to_their_end) {
    gate g("a", {});
    auto r = ended();
    r.begun = r.ended - 20ms;
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(g.try_enter(100, r.begun));
        r.expected = r.bytes = 100;
        g.leave(r);
    }
    EXPECT_EQ(g.repeat(100, 1s), 0s);
    gate other("a", {});
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(other.try_enter(100, r.begun));
        r.bytes = 99;
        other.leave(r);
    }
    EXPECT_GT(other.repeat(100, 1s), 0s);
}

}  // namespace
}  // namespace act
