#include "submit/stage/pipeline.hpp"

#include <condition_variable>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace act::stage {
namespace {

class pipeline_test : public ::testing::Test {
protected:
    using work_on = std::function<result<std::size_t>(std::size_t)>;
    using use_of = std::function<result<void>(std::size_t, std::size_t)>;

    result<void> run(std::size_t count, const work_on& work, const use_of& use) {
        const std::function<std::uint64_t(std::size_t)> weight = [](std::size_t i) { return i % 7; };
        return rt.run(in_order<std::size_t>(rt, count, budget, weight, work, use, {.stop = stop.token()}));
    }

    runtime rt{{.loops = 2, .blocking_threads = 4}};
    stop_source stop;
    std::uint64_t budget = 1000;
    std::vector<std::size_t> used;
    const work_on same = [](std::size_t i) { return i; };
    const use_of note = [this](std::size_t i, std::size_t made) -> result<void> {
        EXPECT_EQ(i, made);
        used.push_back(i);
        return {};
    };
};

TEST_F(pipeline_test, AllIsUsedOnceAndInOrder) {
    for (const std::size_t count : {0, 1, 2, 1000}) {
        for (const std::uint64_t memory : {1, 20, 100'000}) {
            budget = memory;
            used.clear();
            ASSERT_TRUE(run(count, same, note));
            ASSERT_EQ(used.size(), count);
            for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(used[i], i);
        }
    }
}

TEST_F(pipeline_test, WhatIsHeldFitsTheBudget) {
    budget = 20;
    std::atomic<std::uint64_t> held{0}, peak{0};
    const work_on work = [&](std::size_t i) {
        const std::uint64_t now = held += i % 7;
        std::uint64_t seen = peak;
        while (now > seen && !peak.compare_exchange_weak(seen, now)) {
        }
        return i;
    };
    const use_of use = [&](std::size_t i, std::size_t) -> result<void> {
        held -= i % 7;
        return {};
    };
    ASSERT_TRUE(run(2000, work, use));
    EXPECT_LE(peak, 20u);
}

TEST_F(pipeline_test, TheFirstErrorEndsIt) {
    const work_on work = [](std::size_t i) -> result<std::size_t> {
        if (i == 40) return error(kind::io, "forty");
        return i;
    };
    auto failed = run(1000, work, note);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message(), "forty");
    EXPECT_EQ(used.size(), 40u);

    used.clear();
    const use_of use = [&](std::size_t i, std::size_t made) -> result<void> {
        if (i == 30) return error(kind::io, "thirty");
        return note(i, made);
    };
    failed = run(1000, same, use);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message(), "thirty");
    EXPECT_EQ(used.size(), 30u);
}

TEST_F(pipeline_test, AnExceptionComesThrough) {
    const work_on work = [](std::size_t i) -> result<std::size_t> {
        if (i == 20) throw std::runtime_error("twenty");
        return i;
    };
    budget = 10;
    EXPECT_THROW((void)run(1000, work, note), std::runtime_error);
}

TEST_F(pipeline_test, AStopEndsIt) {
    const use_of use = [&](std::size_t i, std::size_t made) {
        if (i == 10) stop.request();
        return note(i, made);
    };
    auto stopped = run(100'000, same, use);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), kind::stopped);
    EXPECT_LT(used.size(), 100'000u);
}

TEST_F(pipeline_test, WorkThatWaitsGetsMoreThreadsThanThereAreCores) {
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::thread::id> hands;
    bool disk_has_answered = false;
    // Two cores' hands wait for the disk longer than for each other.
    std::thread disk([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return hands.size() == 2; });
        for (const auto begun = steady::now(); steady::now() - begun < std::chrono::milliseconds(5);)
            std::this_thread::yield();
        disk_has_answered = true;
        changed.notify_all();
    });
    const work_on work = [&](std::size_t i) {
        std::unique_lock lock(mutex);
        hands.insert(std::this_thread::get_id());
        changed.notify_all();
        if (i < 2) {
            changed.wait(lock, [&] { return disk_has_answered; });
        } else {
            changed.wait_for(lock, std::chrono::minutes(1), [&] { return hands.size() > 2; });
        }
        return i;
    };
    EXPECT_TRUE(run(5, work, note));
    disk.join();
    EXPECT_GT(hands.size(), 2u);
}

}  // namespace
}  // namespace act::stage
