#pragma once

#include <optional>

#include "submit/agent/agent.hpp"
#include "submit/agent/ranks.hpp"

/// What a process of a job with several does beside the others. Private to this folder.
namespace act::agent {

/// Sets the variables of the rank that this process has, where something says it, but none of the spec's
/// own.
std::optional<ranks> set_ranks(const spec&);

/// Sends this process's outputs to the files of its rank.
result<void> write_logs_of(const spec&, int rank);

/// Leaves the code in work/first-failure, unless another process was first.
void note_failure(const spec&, int code);

}  // namespace act::agent
