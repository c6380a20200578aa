#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/core/clock.hpp"

namespace act {

/// When a request is so much slower than its peers that it is worth being sent once more: from how long those
/// before it took, by size, told as they end. Neither a clock nor a lock inside.
///
/// Slow is: longer than a second, and than twice the 99th percentile of its peers or eight times their
/// median, whichever is less: the median, so that many that stall do not come to be taken for usual. Where
/// requests of one size are not known, those of the nearest size tell; where none are, ten seconds and what
/// its bytes take at the slowest rate that is still called working.
///
/// The extra load has a bound: two in a hundred requests and four, at most eight at a time.
class hedge_policy {
public:
    /// A request has succeeded.
    void ended(std::uint64_t bytes, steady::duration took);
    /// How long one of that size may take.
    steady::duration patience(std::uint64_t bytes) const;

    /// Zero: the one that has taken `age` so far is to be repeated, and that is counted. Else when to ask
    /// again.
    steady::duration ask(std::uint64_t bytes, steady::duration age);

private:
    // Of powers of two from 64 KiB, and of quarters of an octave from a millisecond.
    static constexpr unsigned sizes = 18, times = 68;
    struct peers {
        std::array<std::uint16_t, times> count{};
        unsigned total = 0;
        bool known() const { return total > 0; }
        steady::duration quantile(double) const;
        steady::duration slow() const;
    };
    static unsigned size_class(std::uint64_t bytes);

    std::array<peers, sizes> peers_;
    double allowance_ = 4;
};

}  // namespace act
