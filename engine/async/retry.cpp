#include "engine/async/retry.hpp"

#include <algorithm>

namespace act {

backoff::backoff(retry_policy policy, std::uint64_t seed)
    : policy_(policy), random_(seed), last_(policy.first_delay) {}

std::optional<steady::duration> backoff::next(std::optional<steady::duration> asked_for) {
    if (tries_ >= policy_.max_tries) return std::nullopt;
    ++tries_;
    // splitmix64: enough to spread clients, and the same for the same seed.
    random_ += 0x9E3779B97F4A7C15ull;
    std::uint64_t z = random_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    const double unit = static_cast<double>(z >> 11) * 0x1.0p-53;

    const auto low = static_cast<double>(policy_.first_delay.count());
    const auto high = static_cast<double>(last_.count()) * 3;
    const auto drawn = steady::duration(static_cast<steady::rep>(low + (high - low) * unit));
    last_ = std::min(drawn, policy_.max_delay);
    return asked_for ? std::max(last_, *asked_for) : last_;
}

rate_limiter::rate_limiter(double rate, double burst)
    : rate_(rate), burst_(burst), level_(burst), seen_(steady::now()) {}

steady::duration rate_limiter::reserve(double units, steady::time_point at) {
    std::lock_guard lock(mutex_);
    if (at > seen_) {
        level_ = std::min(burst_, level_ + rate_ * std::chrono::duration<double>(at - seen_).count());
        seen_ = at;
    }
    // The level may go below zero: those who come later wait for it, so that order is kept.
    level_ -= units;
    if (level_ >= 0) return {};
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(-level_ / rate_));
}

task<result<void>> rate_limiter::pass(double units, until u) {
    const auto delay = reserve(units, steady::now());
    if (delay <= steady::duration::zero()) co_return u.check();
    co_return co_await sleep_for(delay, std::move(u));
}

void rate_limiter::set_rate(double rate) {
    std::lock_guard lock(mutex_);
    rate_ = rate;
}

}  // namespace act
