#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "submit/cluster/cluster.hpp"
#include "submit/cluster/yaml.hpp"

/// The keys that each kind of file may hold, and the report of others. Private to this folder.
namespace act::cluster {

enum class section { cluster, docker, local, node_check, prices, slurm, entry, account };
const std::vector<std::string>& known_keys(section);

/// One warning for each key of `map` that is not known there, with the nearest one that is.
void report_unknown(const yaml::node& map, section, std::string_view inside,
                    std::vector<std::string>& warnings);

}  // namespace act::cluster
