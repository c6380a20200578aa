#pragma once

#include <string>

#include "engine/core/result.hpp"
#include "tools/act/verb.hpp"

namespace act::cli {

/// Asks on the terminal; anything but yes is a no. Ctrl-C ends the wait for the answer.
result<bool> yes_to(invocation&, const std::string& question);

}  // namespace act::cli
