#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "submit/agent/agent.hpp"
#include "submit/agent/signals.hpp"

/// Brings the outputs and logs of a run to the store. Private to this folder; for a process without threads.
namespace act::agent {

/// Starts a delivery, in a process that ends with this one: the copy, if it has one, then its command. What
/// they say goes to logs/delivery.txt.
pid_t start_delivery(const spec&, const delivery&);

/// The deliveries of a run while its command goes on: each begins again and again, the spec's
/// delivery_seconds after its end and never sooner than four times as long as it took. So a second one never
/// sends the same beside a large upload, and those that take long leave the job most of its cores and of the
/// network.
class recurring_delivery {
public:
    /// The first is delivery_seconds from now. The spec outlives it.
    explicit recurring_delivery(const spec&);
    /// When the next one is to begin; `never`: there is none, or all are at work.
    steady::time_point due() const;
    void begin_due(steady::time_point now);
    /// Takes note of a child of this process that has ended, which may be one of its own. Nobody asks how it
    /// went: whether deliveries succeed matters only at the end.
    void ended(pid_t, steady::time_point now);
    void stop() { stopped_ = true; }

private:
    struct one {
        pid_t pid = 0;  ///< 0: it is not at work
        steady::time_point begun{}, due{};
    };
    const spec& spec_;
    std::chrono::seconds pause_;
    std::vector<one> all_;  ///< by delivery
    bool stopped_ = false;
};

/// After the last one.
void forget_copy(const delivery&);

/// What is told of one that ended with `code`.
std::string undelivered(const spec&, const delivery&, int code);

/// `act agent deliver SPEC`: all of them, one after the other. 1 if one failed, with the reason in
/// work/failure.txt and on stderr.
int deliver_all(const spec&);

/// `act agent deliver-meanwhile SPEC STARTER`, beside the command where no supervisor of ours is:
/// recurring_delivery until SIGTERM, or the end of STARTER, the process that started it, which may have ended
/// before this one looks. What is at work then has two seconds to end; what cannot be killed is left behind.
/// Always 0: nothing that happens here is the run's outcome.
int deliver_meanwhile(const spec&, pid_t starter);

}  // namespace act::agent
