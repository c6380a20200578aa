#pragma once

#include <cstdint>
#include <string>

#include "engine/async/loop.hpp"
#include "engine/http/message.hpp"

namespace act::blob {

/// Checksums of a request's body, in memory or in a file, read by tiles with a look at the stop signal
/// between. kind::io when the file cannot be read or ends early.
task<result<std::uint64_t>> body_crc64(const http::body&, until);
/// Raw, 16 bytes.
task<result<std::string>> body_md5(const http::body&, until);

}  // namespace act::blob
