#include "tools/store/network.hpp"

#include <algorithm>

#include "tools/store/operation.hpp"

namespace act::store {

namespace {

constexpr std::size_t least_slice = 4 * KiB, most_slice = 256 * KiB;
// How much of a second a slice takes: long enough for a timer, short enough to be smooth.
constexpr double slices_a_second = 200;
// What may pass at once after a rest: a timer that is late is made up for.
constexpr double burst_slices = 4;
// Of the request limit, in seconds.
constexpr double burst_of_requests = 0.05;

std::size_t slice_of(double rate) {
    if (rate <= 0) return most_slice;
    return static_cast<std::size_t>(
        std::clamp(rate / slices_a_second, double(least_slice), double(most_slice)));
}

double burst_of(double rate) { return burst_slices * static_cast<double>(slice_of(rate)); }

class shaped_link final : public http::link {
public:
    shaped_link(const network_model& m, rate_limiter* account)
        : latency_(m.latency),
          account_(account),
          slice_(std::min(slice_of(m.connection_rate), slice_of(m.account_rate))) {
        if (m.connection_rate > 0) own_.emplace(m.connection_rate, burst_of(m.connection_rate));
    }

    std::size_t slice() const override { return slice_; }

    task<result<void>> carry(std::uint64_t bytes, const until& u) override {
        const auto at = steady::now();
        const auto amount = static_cast<double>(bytes);
        steady::duration wait{};
        if (own_) wait = own_->reserve(amount, at);
        if (account_) wait = std::max(wait, account_->reserve(amount, at));
        if (wait <= steady::duration()) co_return result<void>();
        co_return co_await sleep_for(wait, u);
    }

    task<result<void>> answer(steady::time_point received, const until& u) override {
        const auto wait = received + latency_ - steady::now();
        if (latency_ == steady::duration() || wait <= steady::duration()) co_return result<void>();
        co_return co_await sleep_for(wait, u);
    }

private:
    const steady::duration latency_;
    std::optional<rate_limiter> own_;
    rate_limiter* account_;
    const std::size_t slice_;
};

// splitmix64 of the n-th step of a seed.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t n) {
    std::uint64_t z = seed + n * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

}  // namespace

network::network(const network_model& m) : model_(m), limit_(0), seen_(steady::now()) {
    if (m.account_rate > 0)
        account_ = std::make_unique<rate_limiter>(m.account_rate, burst_of(m.account_rate));
    set_limit(m.limit);
}

std::unique_ptr<http::link> network::link() { return std::make_unique<shaped_link>(model_, account_.get()); }

void network::set_limit(double rate) {
    std::lock_guard lock(mutex_);
    limit_.store(rate, std::memory_order_relaxed);
    level_ = std::max(1.0, rate * burst_of_requests);
}

bool network::within_limit(steady::time_point at) {
    if (limit() <= 0) return true;
    std::lock_guard lock(mutex_);
    const double rate = limit();
    if (at > seen_) {
        const double grown = rate * std::chrono::duration<double>(at - seen_).count();
        level_ = std::min(std::max(1.0, rate * burst_of_requests), level_ + grown);
        seen_ = at;
    }
    if (level_ < 1) return false;
    level_ -= 1;
    return true;
}

misfortune network::next(bool listing) {
    const fault_plan& f = model_.faults;
    misfortune out;
    if (listing && f.list_from != 0 && listings_.fetch_add(1, std::memory_order_relaxed) + 1 >= f.list_from) {
        out.form = misfortune::error;
        out.before = true;
        if (f.list_status == 403) out.code = codes::authorization_failure;
        if (f.list_status == 503) out.code = codes::server_busy;
        return out;
    }
    if (f.sum() <= 0) return out;
    const std::uint64_t drawn = mixed(f.seed, requests_.fetch_add(1, std::memory_order_relaxed) + 1);
    double unit = static_cast<double>(drawn >> 11) * 0x1.0p-53;
    out.before = (drawn & 1) != 0;
    auto falls = [&unit](double part) {
        unit -= part;
        return unit < 0;
    };
    if (falls(f.reset)) {
        out.form = misfortune::reset;
    } else if (falls(f.error500)) {
        out.form = misfortune::error;
    } else if (falls(f.error503)) {
        // A service that is busy has not done it.
        out.form = misfortune::error;
        out.code = codes::server_busy;
        out.before = true;
    } else if (falls(f.truncate)) {
        out.form = misfortune::truncate;
        out.before = false;
    } else if (falls(f.stall)) {
        out.form = misfortune::stall;
        out.before = false;
    }
    return out;
}

outcome<> network::pass(call& c) {
    if (!within_limit(steady::now())) {
        rejected_.fetch_add(1, std::memory_order_relaxed);
        return failure(codes::server_busy).header("Retry-After", "1");
    }
    if (!model_.faults.any()) return {};
    c.luck = next(std::string_view(c.what->name) == "ListBlobs");
    if (c.luck.form != misfortune::none && c.luck.before) return failure(c.luck.code);
    return {};
}

}  // namespace act::store
