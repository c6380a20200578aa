#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/async/stop.hpp"

/// Other programs, run for what they print.
namespace act::file {

struct program_output {
    std::string out, err;
    int code = 0;  ///< 128 + N when signal N ended it
};

struct program_options {
    /// Instead of this process's; the program itself is looked for on this process's PATH.
    std::optional<std::map<std::string, std::string>> environment;
    std::size_t largest_output = 16 << 20;  ///< of either stream; more is kind::protocol
};

/// Runs a program without input, in a process group of its own, until it has ended. What it leaves behind in
/// the background may keep its outputs. A stop or the deadline kills the group. kind::not_found when there is
/// no such program. Blocks, so it goes through runtime::blocking.
result<program_output> run_program(const std::vector<std::string>& command, const program_options&,
                                   const until&);

/// Is there a program of this name on PATH, or at this path?
bool on_path(const std::string& program);

}  // namespace act::file
