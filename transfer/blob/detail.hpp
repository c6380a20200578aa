#pragma once

#include <cstdint>

namespace act::blob {

/// How much of each entry a listing keeps. What nobody reads is most of what an entry costs, in time and
/// memory.
enum class detail : std::uint8_t {
    brief,  ///< name, size, time of change, type, snapshot, version, state of a copy, and the flags
    etag,   ///< and the ETag
    full,   ///< all that the service tells
};

}  // namespace act::blob
