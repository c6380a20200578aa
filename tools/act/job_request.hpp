#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "submit/cluster/cluster.hpp"
#include "tools/act/verb.hpp"

/// What a command line asks of a job, whether it runs on a cluster or here.
namespace act::cli {

/// The words, or the line of --shell.
std::vector<std::string> command_given(const invocation&);

/// The variables of --env; kind::usage for one that is to be as it is here, and is not here.
result<std::map<std::string, std::string>> environment_given(const invocation&);

/// The hash of the code to run: as `pack`ed now, or of the last `act init`; with --dry-run empty where it
/// would be packed. Nothing: what is wrong has been told, and the exit code is in `code`.
std::optional<std::string> code_for(invocation&, const std::string& archives, const cluster::config&,
                                    bool pack, int& code);

}  // namespace act::cli
