#pragma once

#include <cstdint>
#include <optional>

#include "engine/core/clock.hpp"
#include "transfer/mover/host_cap.hpp"

namespace act {

/// How many requests may be in flight to one account, and, when it refuses some, how many may begin a second:
/// found out from how those before went. A state machine without a clock or a lock: every call is told the
/// time, in about the order in which things happen.
///
/// In flight: more, by half, as long as that brings more work done (operations and bytes weighed together) in
/// the same time; back when it does not, and tried again later.
///
/// A second: no matter, until requests are refused (503, 429). How many may be in flight says little then:
/// one alone may be too fast for a service that counts requests. The rate goes to a little below what was
/// carried out, at most halved, at most once per window of 100 ms; from there it comes back to where it was
/// refused in a second, beyond it slowly and then faster (a cubic), and once well beyond it doubles with each
/// window until it holds nothing back. After the first refusal it doubles at once, for what was carried out
/// till then may have been little for want of work. When most are refused everything pauses for as long as
/// the service asks (Retry-After), then begins slowly and doubles.
class controller {
public:
    struct options {
        /// In flight. `least` equal to `most`: fixed.
        unsigned start = 32, least = 4, most = 256;
        /// A second, whatever the service would take; 0: no cap.
        double cap_operations = 0, cap_bytes = 0;
        /// What else has to be kept to, together with others; null: nothing. Outlives the controller.
        host_cap* together = nullptr;
    };
    explicit controller(options);

    /// As long as nothing in flight has ended.
    static constexpr steady::duration never = steady::duration::max();
    /// Zero: one more may begin now, and counts as in flight. Else: how long to wait before asking again.
    /// `bytes`: what it is expected to move.
    steady::duration begin(steady::time_point at, std::uint64_t bytes);

    enum class outcome { ok, refused, failed };
    struct ending {
        steady::time_point at;
        outcome how = outcome::ok;
        std::uint64_t bytes = 0;     ///< moved
        std::uint64_t expected = 0;  ///< as told to begin()
        std::optional<steady::duration> retry_after;
    };
    void end(const ending&);

    unsigned in_flight() const { return in_flight_; }
    unsigned limit() const { return limit_; }
    /// Requests a second; unset: not held back.
    std::optional<double> rate() const;
    /// Requests were refused lately, and the rate is a result of that.
    bool held_back() const { return phase_ != phase::free; }
    bool paused(steady::time_point at) const { return at < paused_until_; }

private:
    using time = steady::time_point;
    enum class phase { free, near, rising };  // what the rate does: nothing; the cubic; doubling

    void close_window(time at);
    void restart_window(time at);
    void refused(const ending&);
    void adjust_rate(time at);
    void adjust_limit(double work_rate, bool saturated, time at);
    double operations_rate() const;

    const options options_;

    unsigned in_flight_ = 0;
    unsigned limit_;

    // The window: what ended since.
    time window_{};
    std::uint64_t ok_ = 0, refused_ = 0, failed_ = 0;
    double work_ = 0;
    bool saturated_ = false;  ///< all that might be was in flight
    bool held_ = false;       ///< the rate held something back
    unsigned settling_ = 0;   ///< endings not to be counted: begun under an earlier limit
    double goodput_ = 0;      ///< of the window before, per second

    // In flight.
    bool probing_ = false;
    unsigned before_limit_ = 0;
    double before_work_ = 0;
    double usual_work_ = 0;
    time next_probe_{};
    steady::duration probe_pause_;

    // Per second.
    phase phase_ = phase::free;
    double rate_ = 0;
    double ceiling_ = 0;  ///< where it was refused
    time cut_{};
    time paused_until_{};
    double refused_share_ = 0;
    unsigned free_windows_ = 0;
    double tokens_ = 1;
    time tokens_at_{};
    double byte_level_ = 0;
    time bytes_at_{};
    host_cap::turn turn_;
};

}  // namespace act
