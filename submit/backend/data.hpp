#pragma once

#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"

/// The data of jobs. Private to this folder.
namespace act::backend {

/// Decides where each data folder of the jobs is on this machine, and fetches what is only in the store:
/// first what the commands name, else whole folders. See data.cpp for the rules. It may take hours: the jobs'
/// archives count as used when it is done, too, so that a concurrent `act init` leaves them.
task<result<std::vector<agent::link>>> place_data(const cluster::config&, const std::vector<job>&, services&,
                                                  until);

}  // namespace act::backend
