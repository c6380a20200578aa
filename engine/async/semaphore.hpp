#pragma once

#include <cstdint>
#include <memory>

#include "engine/async/loop.hpp"

namespace act {

class semaphore;

/// Units held; gives them back when it dies. Movable, may cross loops.
class permit {
public:
    permit() = default;
    permit(permit&& o) noexcept : owner_(o.owner_), units_(o.units_) { o.owner_ = nullptr, o.units_ = 0; }
    permit& operator=(permit&& o) noexcept;
    ~permit() { release(); }
    void release();
    std::uint64_t units() const { return units_; }

private:
    friend class semaphore;
    permit(semaphore* s, std::uint64_t n) : owner_(s), units_(n) {}
    semaphore* owner_ = nullptr;
    std::uint64_t units_ = 0;
};

/// Counts units across loops; waiters are served in order, whatever they ask for, so that none starves.
/// Outlives its permits. A request larger than the whole is served when all is free.
class semaphore {
public:
    explicit semaphore(std::uint64_t units);
    ~semaphore();
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    task<result<permit>> acquire(std::uint64_t units, until);
    /// Nothing (empty permit) when it would have to wait.
    permit try_acquire(std::uint64_t units);
    std::uint64_t available() const;
    std::uint64_t total() const;

private:
    friend class permit;
    void give_back(std::uint64_t units);
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act
