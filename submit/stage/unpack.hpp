#pragma once

#include <cstdint>
#include <string>

#include "engine/core/result.hpp"

namespace act::stage {

struct unpacked {
    std::uint64_t files = 0, bytes = 0;
};

/// Unpacks HASH.zip into `target`, which must not exist: first into a folder beside it, then, when the
/// content has proved to be the hash's, under its name. Names and links that lead out of the tree, entries
/// that are neither file, link nor folder, duplicates and damaged bytes are refused (kind::integrity), and
/// nothing is left behind. Blocks. The archive may not hold more than `cap` bytes unpacked.
result<unpacked> unpack(const std::string& archive, const std::string& target, const std::string& hash,
                        std::uint64_t cap = 64ull << 30);

}  // namespace act::stage
