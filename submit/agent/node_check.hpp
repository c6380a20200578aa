#pragma once

#include "engine/core/result.hpp"
#include "submit/agent/agent.hpp"

/// Does this node have what the run needs? Nothing is looked at that the spec does not ask for. The reason
/// names the node, what is missing, and what to do; it is kind::unavailable. Private to this folder.
namespace act::agent {

/// The work folder is there. For whoever is about to set it up: that takes some of the space.
result<void> check_disk(const spec&);
/// A driver that does not answer within list_gpus' time shows none.
result<void> check_gpus(const spec&);

}  // namespace act::agent
