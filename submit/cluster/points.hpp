#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/core/result.hpp"

namespace act::cluster {

/// A YAML file that is a list of mappings of names to plain values: the runs of a sweep.
result<std::vector<std::vector<std::pair<std::string, std::string>>>> load_points(const std::string& path);

}  // namespace act::cluster
