#include "engine/async/channel.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"

namespace act {
namespace {

task<void> produce(channel<int>& c, int from, int count, std::atomic<int>& producers) {
    for (int i = 0; i < count; ++i) (void)co_await c.push(from + i, {});
    if (--producers == 0) c.close();
}

task<void> consume(channel<int>& c, std::atomic<long>& sum, std::atomic<int>& seen) {
    for (;;) {
        auto v = co_await c.pop({});
        if (!v || !*v) co_return;
        sum += **v;
        ++seen;
    }
}

TEST(Channel, EveryValueArrivesOnceAcrossLoops) {
    runtime rt({.loops = 2});
    channel<int> c(4);
    std::atomic<long> sum = 0;
    std::atomic<int> seen = 0, producers = 3;
    auto body = [](runtime& r, channel<int>& ch, std::atomic<long>& total, std::atomic<int>& n,
                   std::atomic<int>& left) -> task<void> {
        task_group group;
        for (int i = 0; i < 3; ++i) group.spawn(r.at(i % 2), produce(ch, i * 1000, 1000, left));
        for (int i = 0; i < 4; ++i) group.spawn(r.at(i % 2), consume(ch, total, n));
        co_await group.join();
    };
    rt.run(body(rt, c, sum, seen, producers));
    EXPECT_EQ(seen, 3000);
    EXPECT_EQ(sum, 2999L * 3000 / 2);
}

task<result<void>> push(channel<int>& c, int v, until u) { co_return co_await c.push(v, u); }
task<result<std::optional<int>>> pop(channel<int>& c, until u) { co_return co_await c.pop(u); }

TEST(Channel, WaitsEndByDeadlineAndLoseNothing) {
    runtime rt({.loops = 1});
    channel<int> c(1);
    EXPECT_EQ(rt.run(pop(c, until{}.within(std::chrono::milliseconds(1)))).error().kind(), kind::timeout);
    ASSERT_TRUE(rt.run(push(c, 7, {})));
    EXPECT_EQ(rt.run(push(c, 8, until{}.within(std::chrono::milliseconds(1)))).error().kind(), kind::timeout);
    EXPECT_EQ(**rt.run(pop(c, {})), 7);
}

TEST(Channel, ACloseDrainsThenEnds) {
    runtime rt({.loops = 1});
    channel<int> c(2);
    ASSERT_TRUE(rt.run(push(c, 7, {})));
    c.close();
    EXPECT_FALSE(rt.run(push(c, 8, {})));
    EXPECT_EQ(**rt.run(pop(c, {})), 7);
    EXPECT_FALSE((*rt.run(pop(c, {}))).has_value());
}

}  // namespace
}  // namespace act
