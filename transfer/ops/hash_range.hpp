#pragma once

#include <string>

#include "engine/async/runtime.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

struct range_hashes {
    codec::hash128 content;
    std::uint64_t crc64 = 0;
};

/// Reads a range of a file in tiles and hashes them. What is in the page cache is read on the loop (a
/// hand-over to another thread would cost more than the read); the rest on the blocking pool. kind::io when
/// the file is too short.
task<result<range_hashes>> hash_range(runtime&, buffer_pool&, int fd, plan::block_range, std::string path,
                                      until);

/// The MD5 of a file's first `size` bytes, in base64. Blocks.
result<std::string> md5_of(int fd, std::uint64_t size, const std::string& path, const until&);

}  // namespace act::ops
