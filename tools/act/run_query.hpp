#pragma once

#include <vector>

#include "submit/runs/runs.hpp"
#include "tools/act/verb.hpp"

namespace act {
class runtime;
}

namespace act::cli {

/// Do the call's -c, --name, --group, --text and --since leave the run in? --state is another matter: it is
/// of the moment, so it is looked at after refresh().
bool is_asked_for(const options&, const runs::record&);

/// How long the back ends are asked about all runs.
inline constexpr steady::duration patience_for_all = std::chrono::seconds(3);
/// The runs that the call's options leave in, newest first, as the back ends know them now.
result<std::vector<runs::record>> newest_runs(invocation&);

/// Asks the back ends about those that have not ended, for `patience` in all; unless -no-dt is given. What
/// cannot be asked keeps its last known state, and that is told.
void refresh(invocation&, runs::journal&, runtime&, std::vector<runs::record>&, steady::duration patience);

}  // namespace act::cli
