#pragma once

#include <string_view>

namespace act {

/// `*` and `?` within a component, `**` across, [a-z] and [!a-z] classes, `\` before a character that stands
/// for itself (gitignore(5)). Time is bounded by the product of the lengths.
bool glob_matches(std::string_view pattern, std::string_view name);
/// As zip and shells' `case` have it: `*` and `?` match slashes too.
bool wildcard_matches(std::string_view pattern, std::string_view name);

}  // namespace act
