#pragma once

#include <string>
#include <vector>

#include "engine/core/result.hpp"
#include "tools/act/verb.hpp"

namespace act::cli {

/// A command line taken apart.
struct arguments {
    const cli::verb* verb = nullptr;  ///< null: none was given
    std::string called;               ///< its name or alias as typed
    options given;
    std::vector<std::string> words;
};

/// ACT's grammar and a little more: options before the verb and after it; `-n8`, `-n 8`, `--num_gpu=8`; long
/// names with '-' or '_', cut short while unambiguous; `--` ends the options; from the first word of `submit`
/// on, everything belongs to the command. Errors are kind::usage and name the nearest known option or verb.
///
/// Written by hand because ACT's single-dash names (`-rt`, `-no-wl`) beside glued values (`-n8`) are outside
/// what the usual parsers take, and what would be left for one is less than it brings.
result<arguments> parse_arguments(const std::vector<std::string>& words);

}  // namespace act::cli
