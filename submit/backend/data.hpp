#pragma once

#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"

/// The data of jobs. Private to this folder.
namespace act::backend {

struct placed_data {
    std::vector<agent::link> links;
    std::string names;  ///< what of the cache they use, a line each
    /// Keep that in the cache: to be held until the runs' records, which do so from then on, are in the
    /// journal.
    std::vector<file::descriptor> held;
};

/// Decides where each data folder of the jobs is on this machine, and fetches what is only in the store:
/// first what the commands name, else whole folders. See data.cpp for the rules, and data_cache.hpp for what
/// goes to make room. It may take hours: the jobs' archives count as used when it is done, too, so that a
/// concurrent `act init` leaves them. The jobs' details say what of the cache they use.
task<result<placed_data>> place_data(const cluster::config&, std::vector<job>&, services&, until);

}  // namespace act::backend
