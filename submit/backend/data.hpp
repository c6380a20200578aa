#pragma once

#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"

/// The data of jobs. Private to this folder.
namespace act::backend {

/// Decides where each data folder of the jobs is on this machine, and fetches what is only in the store:
/// first what the commands name, else whole folders. `words` are those of all commands. See data.cpp for the
/// rules.
task<result<std::vector<agent::link>>> place_data(const cluster::config&,
                                                  const std::vector<std::string>& words, services&, until);

}  // namespace act::backend
