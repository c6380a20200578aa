// The controller on traces: a simulated service in simulated time.
#include "transfer/mover/controller.hpp"

#include <functional>
#include <queue>
#include <random>

#include <gtest/gtest.h>

namespace act {
namespace {

using namespace std::chrono_literals;
using duration = steady::duration;

/// A service that answers after a latency, works on so many requests at a time, and refuses what is beyond
/// its limit.
struct service {
    duration latency = 10ms;
    double jitter = 0;  ///< part of the latency, either way
    double limit = 0;   ///< requests a second, 0: any number
    double width = 0;   ///< requests it works on at once without taking longer, 0: any number
    std::optional<duration> retry_after = 1s;
};

/// Clients with as much work as can be sent, each with one request at a time, as the mover's lanes are.
class simulation {
public:
    simulation(controller::options o, service s, unsigned lanes = 256)
        : control(o), serves(s), lanes_(lanes), tokens_(s.limit * 0.05) {
        for (unsigned i = 0; i < lanes_; ++i) ready_.push(now);
        accepting_ = now;
    }

    struct tally {
        std::uint64_t done = 0, refused = 0;
        unsigned most_in_flight = 0;
        double rejected() const {
            return double(refused) / double(std::max<std::uint64_t>(1, done + refused));
        }
    };

    /// Runs for so long and says what happened meanwhile.
    tally run(duration how_long) {
        const auto end = now + how_long;
        tally t;
        while (true) {
            while (!ready_.empty() && ready_.top() <= now && begin()) ready_.pop();
            t.most_in_flight = std::max(t.most_in_flight, control.in_flight());
            auto next = end;
            if (!flying_.empty()) next = std::min(next, flying_.top().at);
            if (!ready_.empty()) next = std::min(next, std::max(ready_.top(), blocked_));
            if (next >= end) break;
            now = std::max(now, next);
            while (!flying_.empty() && flying_.top().at <= now) finish(t);
        }
        now = end;
        return t;
    }

    controller control;
    service serves;
    steady::time_point now = steady::time_point() + 1h;
    std::uint64_t bytes = 4096;

private:
    struct flight {
        steady::time_point at;
        bool refused;
        bool operator<(const flight& o) const { return at > o.at; }
    };

    bool begin() {
        const auto wait = control.begin(now, bytes);
        if (wait != duration()) {
            // Asked again when the time has come, or when one has ended.
            blocked_ =
                wait == controller::never ? steady::time_point::max() : now + std::min<duration>(wait, 50ms);
            return false;
        }
        blocked_ = {};
        bool refused = false;
        if (serves.limit > 0) {
            tokens_ += serves.limit * std::chrono::duration<double>(now - accepting_).count();
            tokens_ = std::min(std::max(1.0, serves.limit * 0.05), tokens_);
            refused = tokens_ < 1;
            if (!refused) tokens_ -= 1;
        }
        accepting_ = now;
        double takes = std::chrono::duration<double>(serves.latency).count();
        takes *= 1 + serves.jitter * (2 * std::uniform_real_distribution<double>()(random_) - 1);
        if (serves.width > 0) takes *= std::max(1.0, control.in_flight() / serves.width);
        flying_.push(
            {now + std::chrono::duration_cast<duration>(std::chrono::duration<double>(takes)), refused});
        return true;
    }

    void finish(tally& t) {
        const flight f = flying_.top();
        flying_.pop();
        controller::ending e{.at = f.at, .bytes = bytes, .expected = bytes};
        if (f.refused) {
            e.how = controller::outcome::refused;
            e.retry_after = serves.retry_after;
            ++t.refused;
            // As the pipeline: that request itself waits, with some jitter.
            const auto extra = std::uniform_int_distribution<int>(0, 500)(random_) * 1ms;
            ready_.push(f.at + serves.retry_after.value_or(300ms) + extra);
        } else {
            ++t.done;
            ready_.push(f.at);
        }
        control.end(e);
        blocked_ = {};
    }

    unsigned lanes_;
    double tokens_;
    steady::time_point accepting_{}, blocked_{};
    std::priority_queue<steady::time_point, std::vector<steady::time_point>, std::greater<>> ready_;
    std::priority_queue<flight> flying_;
    std::mt19937_64 random_{7};
};

TEST(controller, a_distant_service_gets_more_in_flight_while_that_brings_more) {
    simulation s({}, {.latency = 60ms});
    s.run(4s);
    EXPECT_EQ(s.control.limit(), 256u);
    const auto t = s.run(1s);
    EXPECT_GT(t.done, 4000u);
    EXPECT_EQ(t.refused, 0u);
}

TEST(controller, a_service_that_is_busy_gets_no_more_than_helps) {
    // 40 at a time are as much as it does.
    simulation s({}, {.latency = 50ms, .width = 40});
    s.run(30s);
    EXPECT_GE(s.control.limit(), 32u);
    EXPECT_LE(s.control.limit(), 64u);
    EXPECT_GT(s.run(5s).done, 5 * 640u * 95 / 100);
}

TEST(controller, jitter_does_not_drive_it_up) {
    simulation s({}, {.latency = 50ms, .jitter = 0.9, .width = 32});
    s.run(60s);
    EXPECT_LE(s.control.limit(), 72u);
}

TEST(controller, a_fixed_number_stays) {
    simulation s({.start = 7, .least = 7, .most = 7}, {.latency = 30ms});
    const auto t = s.run(10s);
    EXPECT_EQ(s.control.limit(), 7u);
    EXPECT_EQ(t.most_in_flight, 7u);
}

TEST(controller, a_longer_way_is_noticed) {
    simulation s({}, {.latency = 40ms, .width = 36});
    s.run(15s);
    const auto before = s.control.limit();
    EXPECT_LE(before, 72u);
    s.serves = {.latency = 400ms};
    s.run(15s);
    EXPECT_GE(s.control.limit(), 162u);
}

TEST(controller, a_limit_of_500_a_second_is_used_and_hardly_exceeded) {
    const std::pair<duration, unsigned> ways[] = {{500us, 32u}, {10ms, 256u}, {40ms, 64u}};
    for (const auto& [latency, lanes] : ways) {
        simulation s({}, {.latency = latency, .limit = 500}, lanes);
        SCOPED_TRACE(testing::Message() << latency / 1us << " us, " << lanes << " lanes");
        // Goes to finding out.
        const auto first = s.run(2s);
        EXPECT_GT(first.done, 400u);
        const auto next = s.run(18s);
        EXPECT_GT(next.done, 18 * 450u);
        EXPECT_LT(first.refused + next.refused, (first.done + next.done) / 10);
        const auto later = s.run(20s);
        EXPECT_GT(later.done, 20 * 475u);
        EXPECT_LT(later.rejected(), 0.03);
    }
}

TEST(controller, other_limits_too) {
    for (const double limit : {20.0, 100.0, 2000.0}) {
        simulation s({}, {.latency = 2ms, .limit = limit});
        s.run(10s);
        const auto t = s.run(15s);
        SCOPED_TRACE(limit);
        EXPECT_GT(double(t.done), 15 * limit * 0.88);
        EXPECT_LT(t.rejected(), 0.10);
    }
}

TEST(controller, full_rate_is_back_within_five_seconds) {
    for (int i = 0; i < 4; ++i) {
        simulation s({}, {.latency = 20ms, .width = 32});
        const auto full = s.run(2s).done / 2;
        s.serves.limit = 100;
        // Lifted at different points of its course.
        s.run(8s + i * 650ms);
        EXPECT_TRUE(s.control.rate());
        s.serves.limit = 0;
        s.run(5s);
        const auto again = s.run(1s).done;
        EXPECT_GT(again, full * 9 / 10) << i;
        EXPECT_FALSE(s.control.rate()) << i;
    }
}

TEST(controller, pauses_for_as_long_as_it_is_told_and_begins_slowly) {
    controller c({});
    auto at = steady::time_point() + 1h;
    for (int i = 0; i < 32; ++i) EXPECT_EQ(c.begin(at, 0), 0ns);
    EXPECT_EQ(c.begin(at, 0), controller::never);
    for (int i = 0; i < 32; ++i) {
        at += 100us;
        c.end({.at = at, .how = controller::outcome::refused, .retry_after = 3s});
    }
    EXPECT_TRUE(c.paused(at));
    EXPECT_GT(c.begin(at, 0), 2900ms);
    at += 2900ms;
    EXPECT_GT(c.begin(at, 0), 0ns);
    at += 200ms;
    ASSERT_TRUE(c.rate());
    EXPECT_LE(*c.rate(), 64);
    EXPECT_EQ(c.begin(at, 0), 0ns);
    EXPECT_GT(c.begin(at, 0), 0ns);
}

TEST(controller, a_few_refusals_cost_half_at_most_once_a_window) {
    simulation s({.start = 32, .least = 32, .most = 32}, {.latency = 10ms});
    s.run(2s);
    auto at = s.now;
    // Four in a row are no storm.
    for (int i = 0; i < 4; ++i) s.control.end({.at = at, .how = controller::outcome::refused});
    ASSERT_TRUE(s.control.rate());
    EXPECT_FALSE(s.control.paused(at));
    EXPECT_NEAR(*s.control.rate(), 3200 * 0.95, 200);
}

TEST(controller, caps_hold_whatever_the_service_would_take) {
    simulation s({.cap_operations = 200}, {.latency = 1ms});
    auto t = s.run(10s);
    EXPECT_LE(t.done, 2010u);
    EXPECT_GE(t.done, 1980u);

    simulation b({.cap_bytes = 1e6}, {.latency = 10ms});
    b.bytes = 8 << 20;
    t = b.run(100s);
    EXPECT_NEAR(double(t.done) * double(b.bytes), 100e6, 9e6);
    // Never many at once.
    EXPECT_LE(t.most_in_flight, 2u);
}

TEST(controller, bytes_that_were_not_expected_are_paid_for_later) {
    controller c({.cap_bytes = 1e6});
    auto at = steady::time_point() + 1h;
    EXPECT_EQ(c.begin(at, 0), 0ns);
    c.end({.at = at, .bytes = 2'000'000});
    EXPECT_GT(c.begin(at, 0), 1900ms);
    EXPECT_EQ(c.begin(at + 2100ms, 0), 0ns);
}

}  // namespace
}  // namespace act
