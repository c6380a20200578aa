#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <sys/types.h>
#include <thread>

#include "engine/http/admission.hpp"
#include "tools/act/limiting_factor.hpp"

/// What `act bench` reads while something runs.
namespace act::cli {

/// A small file of /proc, or a log, whole; empty if it cannot be read.
std::string slurp(const std::string& path);

/// Times with a relative error of 3%, in constant memory.
class time_histogram {
public:
    void add(steady::duration);
    /// In milliseconds; 0 when there is none. `share`: 0.5 is the median.
    double at(double share) const;

private:
    static constexpr unsigned steps = 32;  ///< of each power of two
    std::array<std::uint64_t, 64 * steps> counts_{};
    std::uint64_t total_ = 0;
};

/// Stands before a gate and takes note of each request.
class request_meter final : public http::admission {
public:
    explicit request_meter(std::shared_ptr<http::admission> gate) : gate_(std::move(gate)) {}
    bool try_enter(std::uint64_t bytes, steady::time_point at) override {
        return gate_->try_enter(bytes, at);
    }
    task<result<void>> enter(std::uint64_t bytes, until u) override {
        return gate_->enter(bytes, std::move(u));
    }
    void leave(const report&) override;
    steady::duration repeat(std::uint64_t bytes, steady::duration age) override {
        return gate_->repeat(bytes, age);
    }

    struct totals {
        std::uint64_t requests = 0, refused = 0;
        std::uint64_t sent = 0, received = 0;
        double seconds = 0;  ///< of all together
        time_histogram times;
    };
    totals read() const;

private:
    const std::shared_ptr<http::admission> gate_;
    mutable std::mutex mutex_;
    totals totals_;
};

/// From construction to stop(): what this process, the store beside it and the machine used.
class machine_meter {
public:
    /// `server`: the process of the store, or -1. `memory_full` is asked a hundred times a second.
    machine_meter(pid_t server, std::function<bool()> memory_full);
    ~machine_meter();
    machine_meter(const machine_meter&) = delete;
    machine_meter& operator=(const machine_meter&) = delete;

    /// Fills in seconds, cores, CPU, disk and memory.
    void stop(trace&);
    /// Bytes that were resident at most since construction; what was kept of earlier work counts in. After
    /// stop().
    std::uint64_t peak() const { return peak_; }

private:
    void watch();

    const pid_t server_;
    const std::function<bool()> memory_full_;
    steady::time_point begun_;
    double client_ = 0, server_cpu_ = 0;
    struct machine {
        double busy = 0, disk_wait = 0;
    };
    static machine read_machine();
    machine machine_;
    std::uint64_t peak_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;
    std::uint64_t looks_ = 0, full_ = 0;
    std::thread thread_;
};

}  // namespace act::cli
