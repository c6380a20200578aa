#pragma once

#include <vector>

#include "submit/backend/backend.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verb.hpp"

/// What `act submit` says: before, after, and while it waits.
namespace act::cli {

/// All that would be sent; what the jobs have in common, once for people. The exit code.
int tell_plan(invocation&, const cluster::config&, const std::vector<backend::job>&);
void tell_submitted(invocation&, const std::vector<runs::record>&);
/// Waits for the one run and passes its output on. The exit code: the command's own.
int wait_for(invocation&, session&, backend::driver&, const runs::record&);
/// Waits for the runs of a sweep, a line for each. The exit code: the worst.
int wait_for_all(invocation&, session&, backend::driver&, const std::vector<runs::record>&);

}  // namespace act::cli
