#pragma once

#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

#include "engine/core/result.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/ranks.hpp"

/// Starts the processes of a local run: its nodes are imagined, each a share of the processes. Private to
/// this folder; for a process without threads.
namespace act::agent {

/// The GPUs of a local run, for its processes to share.
inline constexpr const char* gpus_variable = "ACT_GPUS";

/// What this process puts at the disposal of all of them: the address where they meet, and which GPUs are
/// theirs, into its own environment, which they inherit.
void prepare_launch(const std::vector<std::string>& gpus);

/// The variables that tell a process who it is: those of ranks.hpp, what Azure called them, and its share of
/// the GPUs.
environment rank_environment(const spec&, int rank);

/// Becomes the process of that rank: its variables, then run().
int become(const spec&, int rank);

/// A process that was started, and its rank; -1 for mpirun, which has all ranks below it.
using launched = std::map<pid_t, int>;

/// Starts them all: by mpirun if there are several and it is installed (so that MPI programs find each
/// other), else one by one. Each sets up and becomes the command; its output is in its own files.
result<launched> launch(const spec&);

/// `act agent rank SPEC`: one of mpirun's processes.
int run_rank_of_mpirun(const spec&);

}  // namespace act::agent
