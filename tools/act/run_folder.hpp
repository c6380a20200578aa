#pragma once

#include <string>

#include "engine/file/file.hpp"
#include "submit/runs/runs.hpp"

namespace act::cli {

/// The absolute path of what is called so below the run's folder. kind::usage for what leads out of it,
/// kind::not_found where it, or the folder, is not on this machine.
result<std::string> path_in_run(const runs::record&, const std::string& name);

}  // namespace act::cli
