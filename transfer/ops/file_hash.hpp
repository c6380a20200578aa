#pragma once

#include <string>

#include "transfer/ops/operation.hpp"
#include "transfer/plan/content_hash.hpp"

namespace act::ops {

/// Reads the first `size` bytes of a file and hashes them in the form of `wanted`; empty where its blocks are
/// too small for that.
task<result<std::string>> file_hash(context&, std::string path, std::uint64_t size, plan::content_hash wanted,
                                    until);
/// The same of what is in memory; empty where it was cut into blocks.
std::string memory_hash(std::span<const std::byte>, const plan::content_hash& wanted);

}  // namespace act::ops
