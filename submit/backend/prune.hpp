#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "submit/runs/runs.hpp"

/// What ended runs of this machine leave in the state folder: code trees, logs, copies of outputs.
namespace act::backend {

struct leftover {
    std::string id;
    std::string folder;
    std::vector<std::string> command;  ///< empty: a run in the foreground, which has no record
    std::uint64_t bytes = 0;           ///< in its folder
    std::string kept, advice;          ///< why it has to stay, and what can be done; empty: it may go
};

struct leftover_options {
    wall_time ended_before{};
    std::vector<std::string> only{};  ///< ids of runs, whenever they ended; empty: all
    bool undelivered = false;         ///< also what should be in the store and is not
};

/// The folders of runs here and on Slurm, and trees of runs in the foreground that were kept, oldest first.
/// One whose outputs or logs should be in the store and are not, or that holds a queue which others wait in,
/// has to stay.
result<std::vector<leftover>> leftovers(const runs::journal&, const leftover_options&);

/// Removes the folder, at once and whole; the record stays. What makes it stay is looked at again while
/// nobody can change it: then `kept` is set, and nothing was done.
result<void> remove(runs::journal&, leftover&, const leftover_options&);

/// Removes what interrupted removals left; returns the error of the first that could not go.
result<void> clear_removed(const runs::journal&);

}  // namespace act::backend
