#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"

/// Runs that may not all be at work at once: a folder has so many places, and another one the machine's GPUs,
/// for all queues, each a file that whoever has it keeps locked. Nobody manages it: a place is free again
/// when its owner has ended, however that came about. Private to this folder.
namespace act::agent {

/// Held until this is destroyed or the process ends.
struct queue_place {
    std::vector<file::descriptor> locks;
    std::vector<std::string> gpus;  ///< names of those that are the run's
};

/// A place in the spec's queue, and its GPUs, if there are any free and nobody with the same limit waits for
/// them already.
result<std::optional<queue_place>> try_place(const spec&);
/// Waits for one. Signals end the process as they do by default: a run that waits has nothing to lose.
result<queue_place> wait_for_place(const spec&);
/// For a run that waits for nobody: GPUs that are free, and where these are too few, shared ones.
queue_place place_without_queue(const spec&);

}  // namespace act::agent
