#include "transfer/mover/controller.hpp"

#include <algorithm>
#include <cmath>

namespace act {

using namespace std::chrono_literals;

namespace {

// A request's fixed part of the work, as bytes: small ones count by number, large ones by size.
constexpr double request_weight = 128 * 1024;
constexpr auto shortest_window = 100ms;
constexpr auto longest_window = 4s;
constexpr auto longest_held_window = 1s;  // while the rate holds back
constexpr unsigned held_window_endings = 20;

// One step more in flight, and what it must bring to be kept.
constexpr double step = 1.5;
constexpr double worthwhile = 1.15;
constexpr double much_less = 0.7;
constexpr steady::duration first_probe_pause = 2s, last_probe_pause = 30s;

// Of what was carried out while some were refused.
constexpr double below = 0.95;
constexpr double back_after = 1.0;  // seconds
constexpr double beyond = 1.25;
constexpr unsigned free_after = 5;  // windows
constexpr double refused_memory = 1.0 / 16;
constexpr double mostly_refused = 0.75;
constexpr double slow_start = 64;  // a second, when nothing is known
constexpr double lowest_rate = 0.5;
constexpr steady::duration usual_pause = 500ms, longest_pause = 30s;
// What may begin at once after a rest, in seconds of the rate, and at least: a timer that is late is made up
// for.
constexpr double burst = 0.02;
constexpr double least_burst = 1.5;

double seconds(steady::duration d) { return std::chrono::duration<double>(d).count(); }
steady::duration of_seconds(double s) {
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(s));
}

}  // namespace

controller::controller(options o)
    : options_(o), limit_(std::clamp(o.start, o.least, o.most)), probe_pause_(first_probe_pause) {}

std::optional<double> controller::rate() const {
    const double r = operations_rate();
    return r > 0 ? std::optional(r) : std::nullopt;
}

// The lower one of what the service takes and what the user allows; 0: neither is known.
double controller::operations_rate() const {
    const double cap = options_.cap_operations;
    if (phase_ == phase::free) return cap;
    return cap > 0 ? std::min(cap, rate_) : rate_;
}

steady::duration controller::begin(time at, std::uint64_t bytes) {
    if (window_ == time()) window_ = tokens_at_ = bytes_at_ = at;
    close_window(at);
    if (at < paused_until_) return paused_until_ - at;
    if (in_flight_ >= limit_) {
        saturated_ = true;
        return never;
    }
    if (options_.cap_bytes > 0) {
        // The level may go below zero: a large request is paid for afterwards.
        if (at > bytes_at_) {
            const double most = options_.cap_bytes * burst;
            byte_level_ = std::min(most, byte_level_ + options_.cap_bytes * seconds(at - bytes_at_));
            bytes_at_ = at;
        }
        if (byte_level_ < 0) {
            held_ = true;
            return std::max<steady::duration>(of_seconds(-byte_level_ / options_.cap_bytes), 1ns);
        }
    }
    if (phase_ != phase::free) adjust_rate(at);
    const double rate = operations_rate();
    if (rate > 0) {
        if (at > tokens_at_) {
            tokens_ =
                std::min(std::max(least_burst, rate * burst), tokens_ + rate * seconds(at - tokens_at_));
            tokens_at_ = at;
        }
        if (tokens_ < 1) {
            held_ = true;
            return std::max<steady::duration>(of_seconds((1 - tokens_) / rate), 1ns);
        }
    }
    if (options_.together) {
        if (const auto wait = options_.together->begin(turn_, at, bytes); wait > steady::duration()) {
            held_ = true;
            return wait;
        }
    }
    if (rate > 0) tokens_ -= 1;
    if (options_.cap_bytes > 0) byte_level_ -= static_cast<double>(bytes);
    if (++in_flight_ == limit_) saturated_ = true;
    return {};
}

void controller::end(const ending& e) {
    if (in_flight_ > 0) --in_flight_;
    if (options_.cap_bytes > 0) byte_level_ -= static_cast<double>(e.bytes) - static_cast<double>(e.expected);
    if (options_.together) options_.together->correct(e.expected, e.bytes);
    const bool was_refused = e.how == outcome::refused;
    refused_share_ += ((was_refused ? 1.0 : 0.0) - refused_share_) * refused_memory;
    if (was_refused) refused(e);
    if (settling_ > 0 && --settling_ == 0) restart_window(e.at);
    switch (e.how) {
        case outcome::ok:
            ++ok_;
            work_ += request_weight + static_cast<double>(e.bytes);
            break;
        case outcome::refused:
            ++refused_;
            break;
        case outcome::failed:
            ++failed_;
            break;
    }
    close_window(e.at);
}

void controller::restart_window(time at) {
    window_ = at;
    ok_ = refused_ = failed_ = 0;
    work_ = 0;
    saturated_ = in_flight_ >= limit_;
    held_ = false;
}

void controller::close_window(time at) {
    const auto age = at - window_;
    if (age < shortest_window || settling_ > 0) {
        // What settles may never end: a stopped burst of work.
        if (age < longest_window) return;
        settling_ = 0;
    }
    const bool holding = phase_ != phase::free;
    const std::uint64_t ended = ok_ + refused_ + failed_;
    if (ended < (holding ? held_window_endings : 2 * limit_)) {
        if (age < (holding ? steady::duration(longest_held_window) : steady::duration(longest_window)))
            return;
    }
    goodput_ = static_cast<double>(ok_) / seconds(age);
    const double work_rate = work_ / seconds(age);
    const bool saturated = saturated_, troubled = refused_ > 0 || failed_ > ok_, held = held_;
    restart_window(at);
    if (holding) {
        free_windows_ = held ? 0 : free_windows_ + 1;
        if (phase_ == phase::rising && held && !troubled) rate_ *= 2;
        if (phase_ == phase::rising && free_windows_ >= free_after) phase_ = phase::free;
    } else if (!troubled && !held) {
        adjust_limit(work_rate, saturated, at);
    }
}

// ---- in flight

void controller::adjust_limit(double work_rate, bool saturated, time at) {
    if (options_.least == options_.most) return;
    if (probing_) {
        const bool kept = saturated && work_rate >= before_work_ * worthwhile;
        if (!kept) {
            limit_ = before_limit_;
            probing_ = false;
            next_probe_ = at + probe_pause_;
            if (saturated) probe_pause_ = std::min<steady::duration>(2 * probe_pause_, last_probe_pause);
            return;
        }
        probe_pause_ = first_probe_pause;
    } else {
        // With room left, more room changes nothing.
        if (!saturated) return;
        if (work_rate < usual_work_ * much_less) {
            // The way there is another now: what was tried before proves nothing. This window may have both.
            usual_work_ = work_rate;
            next_probe_ = at;
            probe_pause_ = first_probe_pause;
            return;
        }
        usual_work_ = usual_work_ == 0 ? work_rate : usual_work_ + (work_rate - usual_work_) * 0.3;
        if (at < next_probe_) return;
    }
    if (limit_ >= options_.most) {
        probing_ = false;
        next_probe_ = at + last_probe_pause;
        return;
    }
    probing_ = true;
    before_limit_ = limit_;
    before_work_ = work_rate;
    usual_work_ = 0;
    const double more = std::ceil(limit_ * step);
    // No last step too small to tell.
    limit_ = more * step > options_.most ? options_.most : static_cast<unsigned>(more);
    settling_ = limit_;
}

// ---- a second

void controller::refused(const ending& e) {
    // What was on its way when the pause began says nothing new.
    if (e.at < paused_until_) return;
    if (refused_share_ > mostly_refused) {
        const auto asked = e.retry_after.value_or(usual_pause);
        const double known = ceiling_ > 0 ? ceiling_ / 2 : slow_start;
        rate_ = std::max(lowest_rate, phase_ == phase::free ? slow_start : std::min(known, rate_ / 4));
        phase_ = phase::rising;
        ceiling_ = free_windows_ = 0;
        refused_share_ = 0;
        paused_until_ = cut_ = e.at + std::clamp<steady::duration>(asked, 1ms, longest_pause);
        restart_window(paused_until_);
        tokens_ = 1;
        tokens_at_ = paused_until_;
        settling_ = 0;
        return;
    }
    if (phase_ != phase::free && e.at < cut_ + shortest_window) return;
    double carried_out = goodput_;
    const bool first = phase_ == phase::free;
    if (first) {
        // The window may be young, and the one before it another time: what is taken for the limit is a
        // guess.
        const auto age = std::max<steady::duration>(e.at - window_, 10ms);
        carried_out = std::max({goodput_, static_cast<double>(ok_) / seconds(age), slow_start});
        rate_ = carried_out;
    }
    rate_ = std::max({lowest_rate, rate_ / 2, std::min(rate_, carried_out * below)});
    ceiling_ = rate_ / below;
    cut_ = e.at;
    phase_ = first ? phase::rising : phase::near;
    free_windows_ = 0;
    settling_ = 0;
    probing_ = false;
}

void controller::adjust_rate(time at) {
    if (phase_ != phase::near) return;
    const double since = seconds(at - cut_) - back_after;
    const double curve = (1 - below) / (back_after * back_after * back_after);
    rate_ = std::max(rate_, ceiling_ * std::min(2.0, 1 + curve * since * since * since));
    if (rate_ > ceiling_ * beyond) phase_ = phase::rising;
}

}  // namespace act
