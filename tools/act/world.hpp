#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "engine/async/stop.hpp"

namespace act::cli {

/// All that the program has of the world around it. Tests make one from strings and run the whole tool in
/// process.
struct world {
    std::vector<std::string> arguments;  ///< without the program's name
    std::istream& in;
    std::ostream& out;       ///< results
    std::ostream& problems;  ///< progress, warnings, errors, questions
    std::map<std::string, std::string> environment;
    std::string working_directory;
    bool in_is_terminal = false;
    bool out_is_terminal = false;
    bool problems_is_terminal = false;
    /// The width of the terminal behind `problems`, asked for again at each redraw.
    std::function<unsigned()> columns = [] { return 80u; };
    /// True for a process of our own: signals are handled and the log's sink is set.
    bool owns_process = false;
    /// What stands behind `in` and `out`, for verbs that move bytes; -1: nothing that they could use.
    int in_descriptor = -1, out_descriptor = -1;
    /// This program's file: jobs on this machine start it as their agent.
    std::string executable{};
    stop_source stop{};

    std::string variable(const std::string& name, std::string otherwise = {}) const;
    /// A path as it is meant in the working directory.
    std::string absolute(const std::string& path) const;
    /// A person reads `problems` and can answer on `in`.
    bool can_ask() const { return in_is_terminal && problems_is_terminal; }
};

/// The program: parses, runs one verb, renders. Returns the exit code of DESIGN section 8.
int run(world&);

/// run() on the real process. Never throws.
int run_process(int argc, char** argv);

}  // namespace act::cli
