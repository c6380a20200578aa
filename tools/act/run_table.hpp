#pragma once

#include <string>
#include <vector>

#include "submit/runs/runs.hpp"

namespace act::cli {

/// Runs as a table of at most `room` columns on the terminal. What is equal in all rows is told once, above
/// it; what no run has is left out.
std::vector<std::string> run_table(const std::vector<runs::record>&, wall_time now, std::size_t room);

}  // namespace act::cli
