#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "engine/async/retry.hpp"
#include "engine/http/server.hpp"
#include "tools/store/call.hpp"
#include "tools/store/network_model.hpp"

namespace act::store {

/// The imitated network and service at work (network_model). Thread-safe; outlives its links.
class network {
public:
    explicit network(const network_model&);

    /// Whether connections need links at all.
    bool shapes() const { return model_.shapes(); }
    std::unique_ptr<http::link> link();

    /// At the start of a known operation: refuses what is beyond the limit and what meets an error before it
    /// is carried out, and decides what befalls it later (call::luck).
    outcome<> pass(call&);
    steady::duration stall_time() const { return model_.faults.stall_time; }

    /// Requests a second; 0: any number.
    void set_limit(double rate);
    double limit() const { return limit_.load(std::memory_order_relaxed); }
    std::uint64_t rejected() const { return rejected_.load(std::memory_order_relaxed); }

    /// True when one more request is within the limit at that time; without the clock, for tests.
    bool within_limit(steady::time_point at);
    /// The fate of the next request; `listing`: it is a List Blobs.
    misfortune next(bool listing);

private:
    const network_model model_;
    std::unique_ptr<rate_limiter> account_;

    std::atomic<double> limit_;
    std::atomic<std::uint64_t> rejected_{0};
    std::mutex mutex_;
    double level_ = 0;
    steady::time_point seen_;

    std::atomic<std::uint64_t> requests_{0}, listings_{0};
};

}  // namespace act::store
