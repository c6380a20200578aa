#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace act {

/// The parts between separators; empty ones are left out.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace act
