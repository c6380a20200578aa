#pragma once

#include <string>

#include "submit/cluster/cluster.hpp"
#include "tools/act/options.hpp"

/// What the verbs that list have in common.
namespace act::cli {

/// Appends the path that `act d` would take for a blob, or the folder, of this name.
void append_path(std::string& out, std::string_view name, const cluster::mapping&);

/// "1.5 GiB", or with --bytes "1610612736".
std::string size_text(std::uint64_t bytes, const options&);

}  // namespace act::cli
