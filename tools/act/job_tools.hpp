#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/result.hpp"
#include "submit/backend/backend.hpp"
#include "submit/runs/runs.hpp"
#include "tools/act/verb.hpp"

/// What the verbs about jobs share.
namespace act::cli {

/// What the verbs keep in a record's details.
namespace detail {
inline constexpr const char* errors = "errors";                  ///< "OOM, NCCLTimeout"
inline constexpr const char* resubmit_of = "resubmit_of";        ///< the run before this one
inline constexpr const char* resubmitted_as = "resubmitted_as";  ///< the run after it
inline constexpr const char* claimed_by = "claimed_by";          ///< who is submitting it again just now
inline constexpr const char* retries = "retries";                ///< how many of them `act monitor` has made
inline constexpr const char* history = "history";                ///< "ID failed: ECC; ID failed: NodeLost"
}  // namespace detail
/// Empty where there is none.
std::string detail_of(const runs::record&, const char* key);

/// The journal of this user, and the folder beside it where code archives are kept.
struct job_state {
    runs::journal journal;
    std::string archives;
};
result<job_state> open_job_state(const world&);

/// The run that the call's first word names, and the state that it is in.
struct named_run {
    job_state state;
    runs::record run;
};
result<named_run> open_run(const invocation&);

/// What a driver works with; `call`, `journal` and `loops` outlive it.
backend::services services_for(invocation&, runs::journal&, runtime&);

/// A job's output as this call passes it on: as it is, or as lines of --json. `call` outlives it.
std::function<void(backend::stream, std::string_view)> output_sink(invocation&);

/// The runs that the words name, else those of --group. kind::usage when there are neither.
result<std::vector<runs::record>> named_runs(const invocation&, const runs::journal&);

/// The run as a line of --json.
std::string run_line(const runs::record&);
/// The run as people read it: one `name  value` a line.
std::string run_text(const runs::record&, wall_time now);
/// A command of Slurm, as it is given where the run's cluster is reached: here, or on a login node by ssh
/// (slurm.ssh), with a terminal there or without a question.
std::vector<std::string> at_login_node(const runs::record&, std::vector<std::string> command,
                                       bool with_terminal);
/// "python3 count.py 'a b'".
std::string command_text(const runs::record&);

}  // namespace act::cli
