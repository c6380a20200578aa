#include "transfer/mover/hedge_policy.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace act {

using namespace std::chrono_literals;

namespace {

constexpr double share = 0.02;
constexpr double most_at_once = 8;
constexpr steady::duration least = 1s;
constexpr double of_median = 8, of_last = 2;
// With few peers the slowest of them says less.
constexpr unsigned few = 16, very_few = 4;
constexpr double of_last_of_few = 4, of_last_of_very_few = 8;
// Halved when so many have been counted: what was a while ago matters less.
constexpr unsigned remembered = 2048;
constexpr steady::duration unknown = 10s;
constexpr double slowest = 32 * 1024;
constexpr steady::duration look_again = 250ms, look_at_last = 5s;

steady::duration of_seconds(double s) {
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(std::min(s, 1e6)));
}
double seconds(steady::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

unsigned hedge_policy::size_class(std::uint64_t bytes) {
    return std::min<unsigned>(sizes - 1, static_cast<unsigned>(std::bit_width(bytes >> 16)));
}

steady::duration hedge_policy::peers::quantile(double share_below) const {
    const double wanted = share_below * total;
    unsigned sum = 0;
    for (unsigned i = 0; i < times; ++i) {
        sum += count[i];
        if (sum >= wanted && sum > 0) return of_seconds(0.001 * std::exp2(i / 4.0));
    }
    return of_seconds(0.001 * std::exp2(times / 4.0));
}

steady::duration hedge_policy::peers::slow() const {
    const double last = seconds(quantile(0.99)) * (total < very_few ? of_last_of_very_few
                                                   : total < few    ? of_last_of_few
                                                                    : of_last);
    return std::max(least, of_seconds(std::min(last, seconds(quantile(0.5)) * of_median)));
}

void hedge_policy::ended(std::uint64_t bytes, steady::duration took) {
    peers& p = peers_[size_class(bytes)];
    const double steps = std::ceil(4 * std::log2(std::max(seconds(took), 0.001) / 0.001));
    ++p.count[static_cast<std::size_t>(std::clamp(steps, 0.0, times - 1.0))];
    if (++p.total >= remembered) {
        p.total = 0;
        for (auto& n : p.count) p.total += n = static_cast<std::uint16_t>(n / 2);
    }
    allowance_ = std::min(most_at_once, allowance_ + share);
}

steady::duration hedge_policy::patience(std::uint64_t bytes) const {
    const unsigned mine = size_class(bytes);
    if (peers_[mine].known()) return peers_[mine].slow();
    // A larger one takes at least as long; from a smaller one it is put at as much more as it is larger.
    for (unsigned c = mine + 1; c < sizes; ++c) {
        if (peers_[c].known()) return peers_[c].slow();
    }
    for (unsigned c = mine; c-- > 0;) {
        if (peers_[c].known()) return of_seconds(seconds(peers_[c].slow()) * std::exp2(mine - c));
    }
    return unknown + of_seconds(static_cast<double>(bytes) / slowest);
}

steady::duration hedge_policy::ask(std::uint64_t bytes, steady::duration age) {
    const auto left = patience(bytes) - age;
    // Peers that end meanwhile may tell more.
    if (left > steady::duration()) return std::clamp(left, look_again, look_at_last);
    if (allowance_ < 1) return look_at_last;
    allowance_ -= 1;
    return {};
}

}  // namespace act
