#pragma once

#include <cstdint>
#include <optional>

#include "engine/async/loop.hpp"

namespace act::http {

/// Decides when a try of a request may be sent, and hears how each ended: for concurrency control and caps.
/// One for all requests to an account, so that retries and new requests count alike. Thread-safe. A request
/// is under way until its answer has been read or dropped, so nobody may wait for another request, or for
/// memory that others hold while they wait to be admitted, with an unread answer in hand.
class admission {
public:
    virtual ~admission() = default;

    /// True: the request may go, and is under way. False: it has to wait, in enter(). `bytes`: of its body
    /// and, as far as known, its answer's.
    virtual bool try_enter(std::uint64_t bytes, steady::time_point at) = 0;
    /// Waits in line until the request is under way.
    virtual task<result<void>> enter(std::uint64_t bytes, until) = 0;

    struct report {
        steady::time_point begun, ended;
        std::uint64_t expected = 0;  ///< the bytes that it entered with
        std::uint64_t bytes = 0;     ///< of bodies, sent and received
        std::uint64_t sent = 0;      ///< of those, sent
        int status = 0;              ///< 0: no answer
        std::optional<steady::duration> retry_after;
    };
    /// Once for each request that entered.
    virtual void leave(const report&) = 0;

    static constexpr steady::duration never = steady::duration::max();
    /// Whether a request of so many bytes that has not ended after `age` is worth being sent once more,
    /// beside itself. Zero: yes, and that is counted. Else how long to wait before asking again.
    virtual steady::duration repeat(std::uint64_t bytes, steady::duration age) = 0;
};

/// A request under way. Leaves its admission when it ends or dies.
class flight {
public:
    flight() = default;
    flight(admission& a, std::uint64_t expected, steady::time_point begun) : owner_(&a) {
        report_.expected = expected;
        report_.begun = begun;
    }
    flight(flight&& o) noexcept : owner_(std::exchange(o.owner_, nullptr)), report_(o.report_) {}
    flight& operator=(flight&& o) noexcept {
        if (this != &o) {
            end();
            owner_ = std::exchange(o.owner_, nullptr);
            report_ = o.report_;
        }
        return *this;
    }
    ~flight() { end(); }

    explicit operator bool() const { return owner_ != nullptr; }
    void answered(int status, std::optional<steady::duration> retry_after) {
        report_.status = status;
        report_.retry_after = retry_after;
    }
    void sent(std::uint64_t bytes) {
        report_.sent += bytes;
        report_.bytes += bytes;
    }
    void received(std::uint64_t bytes) { report_.bytes += bytes; }
    void end() {
        if (!owner_) return;
        report_.ended = steady::now();
        std::exchange(owner_, nullptr)->leave(report_);
    }

private:
    admission* owner_ = nullptr;
    admission::report report_;
};

}  // namespace act::http
