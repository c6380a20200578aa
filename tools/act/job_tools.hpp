#pragma once

#include <memory>
#include <string>

#include "engine/core/result.hpp"
#include "submit/backend/backend.hpp"
#include "submit/runs/runs.hpp"
#include "tools/act/verb.hpp"

/// What the verbs about jobs share.
namespace act::cli {

/// The journal of this user, and the folder beside it where code archives are kept.
struct job_state {
    runs::journal journal;
    std::string archives;
};
result<job_state> open_job_state(const world&);

/// What a driver works with; `call`, `journal` and `loops` outlive it.
backend::services services_for(invocation&, runs::journal&, runtime&);

/// The run as a line of --json.
std::string run_line(const runs::record&);
/// The run as people read it: one `name  value` a line.
std::string run_text(const runs::record&, wall_time now);
/// "python3 count.py 'a b'".
std::string command_text(const runs::record&);

}  // namespace act::cli
