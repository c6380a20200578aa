#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/act/arguments.hpp"

/// Command lines that stand in a text, one a line, as `act run` reads them.
namespace act::cli {

/// The words of a line as a shell would take them apart, without expanding anything: quotes of both kinds,
/// backslashes, and `#` at the beginning of a word for a comment. kind::usage for what is open at the end,
/// and for a redirection or another operator of a shell.
result<std::vector<std::string>> split_command(std::string_view line);

struct parsed_command {
    std::vector<std::string> words;  ///< without `act`
    arguments call;
};

/// The command of one line, checked as far as that is possible without doing anything; nothing when there is
/// none. `of_run`: what `act run` was given; its cluster and --dry-run are the lines' too, and what concerns
/// the whole process may only stand there.
result<std::optional<parsed_command>> parse_command(std::string_view line, const options& of_run);

}  // namespace act::cli
