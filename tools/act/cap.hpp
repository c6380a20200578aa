#pragma once

#include <memory>
#include <string>

#include "transfer/mover/host_cap.hpp"

namespace act::cli {

struct world;

/// What all commands of this user on this machine keep to together; a failure where no place for it can be
/// written. Blocks.
result<std::unique_ptr<host_cap>> open_host_cap(const world&);

/// "200 Mbit/s and 500 requests/s"; "nothing" where there is no cap.
std::string cap_in_words(host_cap::caps);

}  // namespace act::cli
