#include "engine/async/semaphore.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"

namespace act {
namespace {

task<void> worker(semaphore& s, std::atomic<int>& inside, std::atomic<int>& worst, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        auto p = co_await s.acquire(1, {});
        const int now_inside = ++inside;
        int seen = worst.load();
        while (now_inside > seen && !worst.compare_exchange_weak(seen, now_inside)) {
        }
        (void)co_await sleep_for(std::chrono::microseconds(10), {});
        --inside;
    }
}

TEST(Semaphore, NeverLetsInMoreThanItsUnitsAcrossLoops) {
    runtime rt({.loops = 2});
    semaphore s(3);
    std::atomic<int> inside = 0, worst = 0;
    auto body = [](runtime& r, semaphore& sem, std::atomic<int>& in, std::atomic<int>& most) -> task<void> {
        task_group group;
        for (unsigned i = 0; i < 16; ++i) group.spawn(r.at(i % 2), worker(sem, in, most, 20));
        co_await group.join();
    };
    rt.run(body(rt, s, inside, worst));
    EXPECT_LE(worst, 3);
    EXPECT_GE(worst, 2);
    EXPECT_EQ(s.available(), 3u);
}

task<result<permit>> acquire(semaphore& s, std::uint64_t n, until u) { co_return co_await s.acquire(n, u); }

TEST(Semaphore, AWaitThatIsStoppedGivesNothingAway) {
    runtime rt({.loops = 1});
    semaphore s(2);
    auto held = rt.run(acquire(s, 2, {}));
    ASSERT_TRUE(held);
    auto r = rt.run(acquire(s, 1, until{}.within(std::chrono::milliseconds(1))));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::timeout);
    held->release();
    EXPECT_EQ(s.available(), 2u);
}

TEST(Semaphore, ARequestLargerThanTheWholeIsServedWhenAllIsFree) {
    runtime rt({.loops = 1});
    semaphore s(2);
    auto p = rt.run(acquire(s, 100, {}));
    ASSERT_TRUE(p);
    EXPECT_EQ(s.available(), 0u);
}

task<void> note(semaphore& s, std::uint64_t units, std::vector<int>& order, int name) {
    auto p = co_await s.acquire(units, {});
    order.push_back(name);
}

TEST(Semaphore, ServesInOrderSoThatLargeRequestsDoNotStarve) {
    runtime rt({.loops = 1});
    semaphore s(4);
    std::vector<int> order;
    auto body = [](runtime& r, semaphore& sem, std::vector<int>& out) -> task<void> {
        auto all = co_await sem.acquire(4, {});
        task_group group;
        group.spawn(r.at(0), note(sem, 3, out, 1));
        group.spawn(r.at(0), note(sem, 4, out, 2));
        group.spawn(r.at(0), note(sem, 1, out, 3));
        (void)co_await sleep_for(std::chrono::microseconds(1), {});  // lets the children reach their waits
        all->release();
        co_await group.join();
    };
    rt.run(body(rt, s, order));
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace act
