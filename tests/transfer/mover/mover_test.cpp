#include "transfer/mover/mover.hpp"

#include <gtest/gtest.h>

namespace act {
namespace {

struct counting_job final : job {
    counting_job(std::atomic<int>& n, std::atomic<int>& in, std::atomic<int>& most)
        : done(n), inside(in), worst(most) {}
    task<void> run() override {
        const int now = ++inside;
        int seen = worst;
        while (now > seen && !worst.compare_exchange_weak(seen, now)) {
        }
        (void)co_await sleep_for(std::chrono::microseconds(10), {});
        --inside;
        ++done;
    }
    std::atomic<int>&done, &inside, &worst;
};

TEST(Mover, RunsEveryJobOnceAndNeverMoreThanItsLanesAtATime) {
    runtime rt({.loops = 2});
    std::atomic<int> done = 0, inside = 0, worst = 0;
    auto body = [](runtime& r, std::atomic<int>& n, std::atomic<int>& in,
                   std::atomic<int>& most) -> task<void> {
        mover m(r, {.lanes = 5, .whole_at_once = 1, .queued = 3}, {});
        for (int i = 0; i < 500; ++i) {
            auto j = std::make_unique<counting_job>(n, in, most);
            (void)co_await m.submit(std::move(j));
        }
        co_await m.finish();
    };
    rt.run(body(rt, done, inside, worst));
    EXPECT_EQ(done, 500);
    EXPECT_LE(worst, 5);
}

/// A whole that waits for its parts, of which one fails.
struct part_job final : job {
    part_job(part_group& g, bool ok) : group(g), good(ok) {}
    task<void> run() override {
        group.done(good ? result<void>() : result<void>(error(kind::io, "part failed")));
        co_return;
    }
    part_group& group;
    bool good;
};

struct whole_job final : job {
    whole_job(mover& mv, int n, int bad, std::atomic<int>& ok, std::atomic<int>& failed)
        : m(mv), parts(n), bad_part(bad), succeeded(ok), failures(failed) {}
    task<void> run() override {
        part_group group{stop_token()};
        for (int i = 0; i < parts; ++i) {
            group.add();
            auto p = std::make_unique<part_job>(group, i != bad_part);
            if (auto queued = co_await m.submit_part(std::move(p)); !queued) group.done(queued.error());
        }
        const auto outcome = co_await group.wait();
        ++(outcome ? succeeded : failures);
    }
    mover& m;
    int parts, bad_part;
    std::atomic<int>&succeeded, &failures;
};

TEST(Mover, WholesThatWaitForPartsNeverUseUpTheLanes) {
    runtime rt({.loops = 2});
    std::atomic<int> ok = 0, failed = 0;
    auto body = [](runtime& r, std::atomic<int>& good, std::atomic<int>& bad) -> task<void> {
        mover m(r, {.lanes = 1, .whole_at_once = 2, .queued = 1}, {});
        for (int i = 0; i < 50; ++i) {
            auto w = std::make_unique<whole_job>(m, 20, i % 5 == 0 ? 7 : -1, good, bad);
            (void)co_await m.spawn(std::move(w));
        }
        co_await m.finish();
    };
    rt.run(body(rt, ok, failed));
    EXPECT_EQ(ok, 40);
    EXPECT_EQ(failed, 10);
}

/// Says when as many are inside as there should be, and ends when it may.
struct meeting_job final : job {
    meeting_job(int n, std::atomic<int>& in, event& e, std::atomic<bool>& go)
        : wanted(n), inside(in), all_there(e), may_end(go) {}
    task<void> run() override {
        if (++inside == wanted) all_there.set();
        while (!may_end) (void)co_await sleep_for(std::chrono::milliseconds(1), {});
    }
    int wanted;
    std::atomic<int>& inside;
    event& all_there;
    std::atomic<bool>& may_end;
};

TEST(Mover, HasAsManyLanesAsAreWanted) {
    runtime rt({.loops = 2});
    std::atomic<unsigned> wanted = 9;
    std::atomic<int> together = 0, done = 0, inside = 0, worst = 0;
    std::atomic<bool> may_end = false;
    event all_there;
    auto body = [&]() -> task<void> {
        mover m(rt, {.lanes = 1, .whole_at_once = 1, .queued = 100, .wanted = &wanted}, {});
        for (int i = 0; i < 9; ++i) {
            std::unique_ptr<job> j = std::make_unique<meeting_job>(9, together, all_there, may_end);
            (void)co_await m.submit(std::move(j));
        }
        (void)co_await all_there.wait({});
        wanted = 2;
        may_end = true;
        for (int i = 0; i < 200; ++i) {
            std::unique_ptr<job> j = std::make_unique<counting_job>(done, inside, worst);
            (void)co_await m.submit(std::move(j));
        }
        co_await m.finish();
    };
    rt.run(body());
    EXPECT_EQ(done, 200);
    EXPECT_LE(worst, 2);
}

/// Takes its lane until it is stopped.
struct stuck_job final : job {
    stuck_job(stop_token s, std::atomic<int>& n, event& e) : stop(std::move(s)), ended(n), started(e) {}
    task<void> run() override {
        started.set();
        (void)co_await sleep_for(std::chrono::hours(1), {.stop = stop});
        ++ended;
    }
    stop_token stop;
    std::atomic<int>& ended;
    event& started;
};

task<void> push_until_refused(mover& m, stop_token stop, std::atomic<int>& ended, event& started,
                              int& taken) {
    for (;;) {
        auto j = std::make_unique<stuck_job>(stop, ended, started);
        if (!co_await m.submit(std::move(j))) co_return;
        ++taken;
    }
}

TEST(Mover, AStopEndsAFullQueueAndEveryTakenJobStillRuns) {
    runtime rt({.loops = 2});
    stop_source stop;
    std::atomic<int> ended = 0;
    int taken = 0;
    event started;
    auto body = [](runtime& r, stop_source& s, std::atomic<int>& n, event& e, int& count) -> task<void> {
        mover m(r, {.lanes = 1, .whole_at_once = 1, .queued = 4}, s.token());
        task_group group;
        group.spawn(r.at(0), push_until_refused(m, s.token(), n, e, count));
        (void)co_await e.wait({});
        s.request();
        co_await group.join();
        co_await m.finish();
    };
    rt.run(body(rt, stop, ended, started, taken));
    EXPECT_EQ(ended, taken);
    EXPECT_LE(taken, 6);
}

}  // namespace
}  // namespace act
