#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "engine/codec/hash.hpp"
#include "engine/file/stream.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/ops/stream.hpp"

namespace act::ops {

/// One block of a stream: in memory, or in a file without a name when it is too large for that.
struct stream_block {
    std::size_t index = 0;
    std::string id;
    buffer memory;
    file::descriptor disk;
    permit place;  ///< of the files
    std::uint64_t size = 0;
    std::uint64_t length = 0;  ///< less than its size only at the end
    range_hashes hashes;
    bool last = false;

    /// Refers to the block, which must outlive it.
    http::body body() const;
};

/// Cuts what comes from a descriptor into blocks. A thread reads and hashes them, and goes on with the next
/// while the one before waits for a turn on its loop: whoever writes into a pipe would wait for it too.
/// Used by one coroutine at a time.
class stream_blocks {
public:
    /// The options must outlive this; `stop` ends the reading.
    stream_blocks(context&, int fd, const stream_in_options&, stop_token stop);
    /// end() must have been awaited.
    ~stream_blocks();
    stream_blocks(const stream_blocks&) = delete;
    stream_blocks& operator=(const stream_blocks&) = delete;

    /// Waits for memory, or for a place on the disk, and for the next block. Not to be called after the
    /// last, nor after a failure.
    task<result<stream_block>> next();
    /// Nothing is read any more, and nothing held.
    task<void> end();
    /// Blocks the thread; for those who need no blocks, instead of next(). As much as there is room for; less
    /// only at the end.
    result<std::size_t> read_whole(std::span<std::byte> into, const until&);
    /// Content-MD5 of all that was read, empty unless it is wanted.
    std::string whole_md5();

private:
    struct desk;

    std::uint64_t size_of(std::uint64_t index) const;
    bool fits_memory(std::uint64_t size) const;
    task<result<stream_block>> make_room();
    void give(stream_block);
    void give_more();

    context& context_;
    const stream_in_options& options_;
    semaphore files_;
    std::size_t given_ = 0;
    std::size_t taken_ = 0;
    std::uint64_t bytes_given_ = 0;  ///< less what was taken
    std::shared_ptr<desk> desk_;
};

}  // namespace act::ops
