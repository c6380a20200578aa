#pragma once

#include "submit/agent/agent.hpp"
#include "submit/backend/backend.hpp"

/// What a job is told by its environment. Private to this folder.
namespace act::backend {

/// What the specs of all runs begin with: code, folders, links and command.
agent::spec spec_of(const cluster::config&, const job&, const runs::record&, std::vector<agent::link> links);

/// Gives a run its folders for outputs (one for each mapping of mode upload, so that runs do not write over
/// one another), what brings them and its logs (std_out_err_path_prefix) to the store and how often, and its
/// environment: ACT_* and the names that Batch AI had for the same (batch-rest.md section 14). What the
/// cluster and `given` set goes over it. Also what its nodes are to have (the cluster file's node_check). The
/// spec's work, logs and links are set before.
result<void> furnish(const cluster::config&, const services&, const runs::record&,
                     const std::map<std::string, std::string>& given, agent::spec&);

/// The same for a run in the foreground, whose outputs stay in the project: what is made in X goes to X/RUN
/// there, where `act d` would bring those of a run elsewhere. Nothing is brought to the store, and this
/// machine need not have what nodes must.
result<void> furnish_here(const cluster::config&, const runs::record&,
                          const std::map<std::string, std::string>& given, agent::spec&);

/// In the run's folder: outputs on their way to the store, X of each X_folder with `mode: upload` in X.
inline constexpr const char* outputs_folder = "outputs";

/// In the run's folder: what of the logs is being sent. It is there from the beginning until that has been
/// done for the last time.
inline constexpr const char* logs_copy = "logs-copy";

/// For a job that gets only these variables where it runs: can it bring outputs and logs to the store from
/// there?
/// A credential that only this process has would be missed when all the work is done.
result<void> check_deliveries(const cluster::config&, const services&,
                              const std::map<std::string, std::string>& carried);

}  // namespace act::backend
