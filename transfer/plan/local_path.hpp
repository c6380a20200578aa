#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.hpp"

namespace act::plan {

/// The path below `root` for a blob's relative name. Refused (kind::unsupported, naming the blob): what would
/// leave the root or cannot be a file name here: empty, "." and ".." components, NUL, a component over 255
/// bytes. A trailing slash (a directory stub) is kept.
result<std::string> local_path(const std::string& root, std::string_view relative);

/// Whether a symbolic link at the relative name `name` leads to something below the root, by its text alone:
/// it begins with no more ".." than there are folders above it, and has none behind other components, where
/// another link could stand.
bool link_stays_below(std::string_view name, std::string_view target);

/// The name, in the target's directory, of a download in progress: the same for the same target and blob, so
/// that the next run finds it. The blob is told by its account, not by the URL: the port of the embedded
/// store is another one every time.
std::string part_name(std::string_view target, std::string_view account, std::string_view container,
                      std::string_view blob);
/// True for names that part_name() made; uploads leave them out.
bool is_part_name(std::string_view file_name);

}  // namespace act::plan
