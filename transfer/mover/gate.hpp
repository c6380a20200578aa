#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <string>

#include "engine/http/admission.hpp"
#include "transfer/mover/controller.hpp"
#include "transfer/mover/hedge_policy.hpp"

namespace act {

/// Lets the requests to one account through as its controller says, in the order in which they came. A
/// request that need not wait costs two short locks and wakes nobody.
class gate final : public http::admission {
public:
    /// `name`: of the account, for the line a second under --log-level debug. `lanes`, if given, is told how
    /// many requests are wanted at work at once; it outlives the gate. `hedge`: slow requests may be sent
    /// once more, unless the account refuses some, or some wait here.
    gate(std::string name, controller::options, std::atomic<unsigned>* lanes = nullptr, bool hedge = true);

    bool try_enter(std::uint64_t bytes, steady::time_point at) override;
    task<result<void>> enter(std::uint64_t bytes, until) override;
    void leave(const report&) override;
    steady::duration repeat(std::uint64_t bytes, steady::duration age) override;

private:
    struct waiter {
        event* turn = nullptr;  ///< set when the first in line should ask again
    };
    void wake_first();
    std::string line_for_log(steady::time_point at);

    const std::string name_;
    const unsigned most_;
    std::atomic<unsigned>* const lanes_;

    std::mutex mutex_;
    controller control_;
    std::optional<hedge_policy> hedging_;
    std::deque<waiter*> line_;

    // Since the last line of the log.
    struct tally {
        steady::time_point since{};
        std::uint64_t ok = 0, refused = 0, failed = 0, repeated = 0, bytes = 0;
        steady::duration took{};
    } tally_;
};

}  // namespace act
