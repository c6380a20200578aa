#pragma once

#include <string>

#include "engine/async/stop.hpp"

namespace act::stage {

/// What runs containers on this machine.
struct container_program {
    std::string name;     ///< docker or podman; empty: neither is installed
    bool podman = false;  ///< also under the name of docker, as distributions have it
};

/// docker, or podman where that is not installed or its daemon does not answer: its client alone may have
/// come with another package. Blocks, for some seconds at worst.
container_program find_container_program(const until&);

}  // namespace act::stage
