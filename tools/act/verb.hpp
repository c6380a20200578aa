#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.hpp"
#include "tools/act/options.hpp"

namespace act::cli {

struct world;
class resources;
class screen;
struct verb;

/// One call of a verb: what the command line said, and where its results go.
struct invocation {
    const cli::verb& verb;
    std::string called;  ///< the name or alias that was typed
    options given;
    std::vector<std::string> words;
    cli::world& world;
    cli::screen& screen;
    steady::time_point started = steady::now();
    resources* shared = nullptr;  ///< of the `act run` that this is a line of
};

struct example {
    std::string_view command;
    std::string_view meaning;
};

/// What may stand behind a verb.
enum class takes {
    nothing,
    any,      ///< words or none
    some,     ///< at least one
    command,  ///< at least one; from the first on, dashes included, they belong to the command
    raw,      ///< everything, uninterpreted
};

struct verb {
    std::string_view name;
    std::string_view usage;  ///< what stands behind the verb: "PATH..."
    std::string_view sentence;
    cli::takes takes;
    int (*run)(invocation&);
    std::span<const example> examples;
    std::span<const std::string_view> aliases = {};
    std::string_view note = {};  ///< a paragraph of help, lines broken
    bool hidden = false;
};

/// In the order of the overview.
std::span<const verb* const> all_verbs();
/// By name or alias; null when there is none.
const verb* find_verb(std::string_view name);

}  // namespace act::cli
