#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace act::cluster {

/// Edits (insert, delete, replace, swap of neighbours) between two words, ignoring case.
unsigned edit_distance(std::string_view a, std::string_view b);

/// The known word nearest to `word`, or nothing when none is near enough to be meant.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace act::cluster
