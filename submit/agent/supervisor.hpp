#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/clock.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/launch.hpp"
#include "submit/runs/runs.hpp"

/// The work of one supervisor (supervise.hpp). Private to this folder; for a process without threads.
namespace act::agent {

class supervisor {
public:
    /// `signals` are blocked, and taken from the queue here: SIGTERM, SIGINT, SIGCHLD.
    supervisor(const spec& s, runs::journal& j, const sigset_t& signals)
        : spec_(s), journal_(j), signals_(signals) {}

    /// Enters this process into the record of a run that waits, so that others see that it does.
    result<void> announce();
    /// Takes the run over in the record. False: somebody cancelled it before.
    result<bool> take_over();
    /// From the start of the command, which gets these GPUs, to the outcome in the journal.
    void see_through(const std::vector<std::string>& gpus);
    /// The run could not begin, for this reason.
    void give_up(const error&);

private:
    int start_and_wait(const std::vector<std::string>& gpus);
    /// The exit code of the run: of the first process that failed, which ends the others.
    int wait_for(launched);
    void note_failure(int rank, int code);
    /// The run ends with its command: what it left running in the background ends too.
    void end_the_rest();
    void deliver();
    void record(std::optional<int> code);

    const spec& spec_;
    runs::journal& journal_;
    sigset_t signals_;
    bool canceled_ = false;
    std::string reason_;
    std::string undelivered_;  ///< why outputs or logs did not get to the store
};

}  // namespace act::agent
