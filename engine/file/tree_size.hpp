#pragma once

#include <cstdint>
#include <string>

namespace act::file {

/// The bytes in a file or tree, links not followed; what goes away meanwhile does not count.
std::uint64_t bytes_in(const std::string& path);

}  // namespace act::file
