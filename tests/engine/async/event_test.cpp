#include <thread>

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"

namespace act {
namespace {

task<result<void>> wait_for(event& e, until u) { co_return co_await e.wait(u); }

TEST(Event, ASetBeforeTheWaitIsNotLost) {
    runtime rt({.loops = 1});
    event e;
    e.set();
    EXPECT_TRUE(rt.run(wait_for(e, {})));
}

TEST(Event, IsSetFromAnotherThread) {
    runtime rt({.loops = 1});
    for (int i = 0; i < 200; ++i) {
        event e;
        std::thread other([&] { e.set(); });
        EXPECT_TRUE(rt.run(wait_for(e, {})));
        other.join();
    }
}

TEST(Event, AStopEndsTheWaitOnWhicheverLoop) {
    runtime rt({.loops = 2});
    stop_source stop;
    event never;
    std::thread other([&] { stop.request(); });
    auto r = rt.run(wait_for(never, {.stop = stop.token()}));
    other.join();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::stopped);
}

TEST(Event, AStopThatCameBeforeEndsTheWait) {
    runtime rt({.loops = 1});
    stop_source parent;
    stop_source child(parent.token());
    parent.request();
    event never;
    auto r = rt.run(wait_for(never, {.stop = child.token()}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::stopped);
}

TEST(Event, ADeadlineEndsTheWait) {
    runtime rt({.loops = 1});
    event never;
    auto r = rt.run(wait_for(never, until{}.within(std::chrono::milliseconds(1))));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::timeout);
}

TEST(Sleep, EndsWithTheStop) {
    runtime rt({.loops = 1});
    stop_source stop;
    std::thread other([&] { stop.request(); });
    auto r = rt.run(sleep_for(std::chrono::hours(1), {.stop = stop.token()}));
    other.join();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::stopped);
}

TEST(StopSource, AChildDoesNotStopItsParent) {
    stop_source parent;
    stop_source child(parent.token());
    child.request();
    EXPECT_TRUE(child.requested());
    EXPECT_FALSE(parent.requested());
}

TEST(Runtime, BlockingCallsReturnToTheirLoop) {
    runtime rt({.loops = 2, .blocking_threads = 2});
    auto body = [](runtime& r) -> task<bool> {
        loop* home = loop::current_or_null();
        const auto here = std::this_thread::get_id();
        const int answer = co_await r.blocking([&] { return std::this_thread::get_id() == here ? 0 : 42; });
        co_return answer == 42 && loop::current_or_null() == home&& std::this_thread::get_id() == here;
    };
    EXPECT_TRUE(rt.run(body(rt)));
}

TEST(Runtime, ExceptionsComeThroughRun) {
    runtime rt({.loops = 1});
    auto body = []() -> task<int> {
        throw std::runtime_error("x");
        co_return 1;
    };
    EXPECT_THROW(rt.run(body()), std::runtime_error);
}

task<void> count_up(std::atomic<int>& n) {
    ++n;
    co_return;
}

TEST(TaskGroup, JoinsChildrenOfAllLoops) {
    runtime rt({.loops = 2});
    std::atomic<int> n = 0;
    auto body = [](runtime& r, std::atomic<int>& count) -> task<void> {
        task_group group;
        for (unsigned i = 0; i < 100; ++i) group.spawn(r.at(i % r.size()), count_up(count));
        co_await group.join();
    };
    rt.run(body(rt, n));
    EXPECT_EQ(n, 100);
}

task<void> fail() {
    throw std::runtime_error("child");
    co_return;
}

TEST(TaskGroup, RethrowsAChildsExceptionAfterAllHaveEnded) {
    runtime rt({.loops = 2});
    std::atomic<int> n = 0;
    auto body = [](runtime& r, std::atomic<int>& count) -> task<void> {
        task_group group;
        group.spawn(r.at(0), fail());
        for (unsigned i = 0; i < 10; ++i) group.spawn(r.at(1), count_up(count));
        co_await group.join();
    };
    EXPECT_THROW(rt.run(body(rt, n)), std::runtime_error);
    EXPECT_EQ(n, 10);
}

}  // namespace
}  // namespace act
