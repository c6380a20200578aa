#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/memory/buffer_pool.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

/// Reads a file from its beginning to its end while parts of it become ready in any order, for what can only
/// be done in order (an MD5, decompression) beside a transfer that is not. A part is read once it and all
/// before it are ready: soon after it was touched, so most likely from the page cache, and never ahead of the
/// transfer. The work is done on the blocking pool, in turns, so that others get theirs.
class in_order {
public:
    /// Blocks.
    using consumer = std::function<result<void>(std::span<const std::byte>)>;

    /// `parts` in order; what lies between them counts to the next, and what lies behind the last, up to
    /// `size`, to the last. The descriptor stays open until run() has ended.
    in_order(runtime&, buffer_pool&, int fd, std::string path, const std::vector<plan::block_range>& parts,
             std::uint64_t size, consumer);

    /// The bytes of this part are in the file. From any thread.
    void ready(std::size_t part);
    /// Ends when all has been consumed, the consumer or a read failed, or by the stop.
    task<result<void>> run(until);

private:
    task<result<std::uint64_t>> next_end(until);
    result<void> consume(std::uint64_t to, std::span<std::byte> tile, const until&);

    runtime& runtime_;
    buffer_pool& buffers_;
    const int fd_;
    const std::string path_;
    std::vector<std::uint64_t> ends_;
    const consumer consumer_;
    std::uint64_t at_ = 0;

    std::mutex mutex_;
    std::vector<bool> ready_;
    std::size_t frontier_ = 0;  ///< all parts before it are ready
    event* waiting_ = nullptr;
};

}  // namespace act::ops
