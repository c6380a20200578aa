#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/core/result.hpp"

namespace act::cli {

/// A file of comma-separated values (RFC 4180) whose first row names the columns: each further row as pairs
/// of name and value. A field in quotes may hold commas, line ends and, doubled, quotes.
result<std::vector<std::vector<std::pair<std::string, std::string>>>> read_csv(const std::string& path);

}  // namespace act::cli
