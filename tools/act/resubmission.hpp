#pragma once

#include <map>

#include "submit/cluster/cluster.hpp"
#include "tools/act/job_tools.hpp"

namespace act::cli {

struct resubmission {
    std::string cluster;      ///< empty: the run's own
    std::optional<int> gpus;  ///< unset: as many as it asked for
    bool fresh = false;       ///< the code of the last `act init` instead of its own
    bool single = false;      ///< as the run has it, or this
    bool hold = false;
    std::map<std::string, std::string> details;  ///< for the record of the new run
};
/// By the command line: -rt, -n, --fresh, -single, -hold.
resubmission resubmission_of(const options&);

/// The job of a run, to be submitted once more from its project.
struct planned_run {
    cluster::config config;
    backend::job job;
};
result<planned_run> plan_again(invocation&, const job_state&, const runs::record& old, const resubmission&);
/// Takes the run for this process, by the journal's newest state, so that of two monitors one submits it.
/// kind::conflict when it was submitted again, or somebody is at it. submit_again() gives the claim back.
result<void> claim(runs::journal&, const runs::record& old);
/// Submits it; both records tell of each other then, also when the new one could not be started. The old run
/// is not touched otherwise.
result<runs::record> submit_again(invocation&, job_state&, const runs::record& old, const resubmission&);

}  // namespace act::cli
