#pragma once

#include <atomic>
#include <memory>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

namespace act {

class stop_token;

/// Asks everything that was given its token to end. Thread-safe; a child ends with its parent, not the other
/// way. Requesting wakes the waits of all loops; it is cheap, but not async-signal-safe.
class stop_source {
public:
    stop_source();
    /// A source that is also requested when the parent is.
    explicit stop_source(const stop_token& parent);

    void request();
    bool requested() const;
    stop_token token() const;

private:
    friend class stop_token;
    struct state {
        std::atomic<bool> requested{false};
        std::shared_ptr<const state> parent;
    };
    std::shared_ptr<state> state_;
};

/// The listening side; a default-made token is never requested.
class stop_token {
public:
    stop_token() = default;
    bool requested() const;

private:
    friend class stop_source;
    explicit stop_token(std::shared_ptr<const stop_source::state> s) : state_(std::move(s)) {}
    std::shared_ptr<const stop_source::state> state_;
};

/// How long a wait may last: until the stop signal or the deadline, whichever is first. Taken by value
/// everywhere. Deadlines are kept with the precision of the loop's tick (50 ms), fit for network time-outs.
struct until {
    stop_token stop;
    steady::time_point deadline = steady::time_point::max();

    /// The same stop, and a deadline no later than `d` from now.
    until within(steady::duration d) const;
    /// kind::stopped, kind::timeout, or nothing to report.
    result<void> check() const;
};

}  // namespace act
