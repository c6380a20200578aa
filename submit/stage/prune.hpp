#pragma once

#include <string>

/// Private to this folder.
namespace act::stage {

/// Sets an archive's time, by which prune() goes. False: it is not there.
bool mark_used(const std::string& archive);

}  // namespace act::stage
