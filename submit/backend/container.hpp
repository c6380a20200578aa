#pragma once

#include <string>
#include <vector>

#include "submit/agent/agent.hpp"

/// A run of this machine in the docker image of the cluster's jobs. Private to this folder.
namespace act::backend {

struct container {
    std::string program;  ///< docker or podman
    bool podman = false;  ///< also under the name of docker
    std::string image;
    bool terminal = false;         ///< input and outputs are one
    bool gpus = false;             ///< the machine has some
    unsigned user = 0, group = 0;  ///< who the command is there
    std::vector<unsigned> groups;  ///< others that the user is in
};

/// The command that runs the spec in it: an agent on work/spec.json, with this program, the archive, the work
/// folder and what the links lead to where they are here. Values of variables are not in it.
std::vector<std::string> command_of(const container&, const agent::spec&, const std::string& executable);
/// The container's name, which no other run's has.
std::string name_of_container(const std::string& run);
/// Those of this process beside its first one.
std::vector<unsigned> other_groups();

}  // namespace act::backend
