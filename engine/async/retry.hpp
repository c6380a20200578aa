#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "engine/async/loop.hpp"

namespace act {

struct retry_policy {
    unsigned max_tries = 6;
    steady::duration first_delay = std::chrono::milliseconds(300);
    steady::duration max_delay = std::chrono::seconds(20);
};

/// The waits between the tries of one operation: decorrelated jitter (each delay is random between the first
/// delay and three times the one before, capped), never shorter than what the service asked for. No clock
/// inside.
class backoff {
public:
    backoff(retry_policy, std::uint64_t seed);
    /// The delay before the next try, or nothing when the tries are used up.
    std::optional<steady::duration> next(std::optional<steady::duration> asked_for);
    unsigned tries() const { return tries_; }

private:
    retry_policy policy_;
    std::uint64_t random_;
    steady::duration last_;
    unsigned tries_ = 1;
};

/// A token bucket across loops: `rate` units a second, a burst of `burst`. Served in order.
class rate_limiter {
public:
    rate_limiter(double rate, double burst);
    /// Waits until `units` may pass.
    task<result<void>> pass(double units, until);
    void set_rate(double rate);
    /// Takes the units at once and tells how long to wait for them; pass() without the clock, for tests.
    steady::duration reserve(double units, steady::time_point at);

private:
    std::mutex mutex_;
    double rate_;
    double burst_;
    double level_;
    steady::time_point seen_;
};

}  // namespace act
