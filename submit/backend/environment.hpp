#pragma once

#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"

/// What a job is told by its environment. Private to this folder.
namespace act::backend {

/// An output folder of one run.
struct output {
    std::string name;  ///< the X of X_folder
    std::string path;
    std::string url;  ///< where it will be in the store; may be empty
};

/// ACT_* and the names that Batch AI had for the same (batch-rest.md section 14), for a job whose folders are
/// linked below SPEC.work/code. What cluster and user set goes over it.
std::map<std::string, std::string> environment_of(const cluster::config&, const runs::record&,
                                                  const agent::spec&, const std::vector<output>&);

/// "my-data" is MY_DATA.
std::string id_of_folder(const std::string& name);

}  // namespace act::backend
