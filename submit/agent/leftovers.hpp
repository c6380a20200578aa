#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What a command in the foreground has made where no run keeps it.
namespace act::agent {

struct leftovers {
    std::uint64_t files = 0;
    std::vector<std::string> names;  ///< the first few, below the code's folder
};

/// Files below WORK/code that were written since the set-up had ended, but for those that Python makes for
/// itself. Links are not followed: behind those of data folders is what stays. Nothing before the set-up's
/// end.
leftovers find_leftovers(const std::string& work);

}  // namespace act::agent
