#pragma once

#include "engine/async/stop.hpp"
#include "engine/file/file.hpp"

namespace act::file {

/// Copies a file's content and time of modification to `to`, which appears only when it is whole; mode 0: the
/// umask decides. Between two pieces it looks at the stop signal. The bytes copied. Blocks.
result<std::uint64_t> copy(const std::string& from, const std::string& to, std::uint32_t mode, const until&);

}  // namespace act::file
