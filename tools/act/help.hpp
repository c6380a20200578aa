#pragma once

#include <string>

#include "tools/act/verb.hpp"

namespace act::cli {

/// What `act` alone prints: the verbs, a sentence each, and where to begin.
std::string overview();
/// What `act VERB --help` prints: a sentence, use, examples, options.
std::string help_of(const verb&);
/// "act 0.1.0"
std::string version_line();

}  // namespace act::cli
