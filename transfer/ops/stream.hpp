#pragma once

#include "transfer/ops/ops.hpp"

/// One blob from or to a descriptor that is read or written once, in order: a pipe, a terminal, a socket, a
/// file.
namespace act::ops {

struct stream_out_options {
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> count;    ///< at most so many bytes (from 1); none: to the end
    md5_check md5 = md5_check::automatic;  ///< of a whole blob; the last part is held back until it is known
    bool decompress = false;               ///< of a whole blob whose Content-Encoding is gzip or deflate
    std::string name = "standard output";
    /// What the blob must be, as a list tells of it.
    std::optional<std::uint64_t> size{};
    blob::etag etag{};
};

struct streamed {
    act::summary summary;
    bool reader_gone = false;  ///< nobody reads any more: the rest was left out, which is no failure
};

/// Writes the blob at `from.path`, or the range of it, to `fd`. Parts are read in parallel and each is
/// verified before its first byte is written; what waits for its turn takes at most half of the byte budget.
/// A blob of up to 4 MiB costs one request. kind::precondition when it is changed meanwhile, kind::usage when
/// it ends before the offset. The descriptor stays the caller's.
task<result<streamed>> stream_out(context&, remote from, int fd, stream_out_options);

struct stream_in_options {
    /// Of every block; 0: from 8 MiB on, growing (see stream_block_size).
    std::uint64_t block_size = 0;
    /// Up to this size the content goes in one request. No more than a block.
    std::uint64_t single_request = 4ull << 20;
    bool create_container = true;
    bool put_md5 = false;  ///< store the MD5 of the whole with the blob
    /// An append blob grows in place: what stood there is gone when it begins.
    std::optional<blob::blob_type> type{};
    std::string name = "standard input";
    /// Of what stands there: `different` and `always` replace it, `never` leaves it, and the stream unread. A
    /// stream has no time, so `newer` is kind::usage.
    plan::overwrite overwrite = plan::overwrite::different;
    new_blob_options blobs{};
    /// How the blocks grow, and what size of them waits in an unnamed temporary file instead of in memory:
    /// for tests. 0: as much as the byte budget allows.
    std::uint64_t first_block = 8ull << 20;
    unsigned blocks_of_a_size = 1000;
    std::uint64_t in_memory = 0;
};

/// Whether a stream can be sent like that at all.
result<void> check_stream(const stream_in_options&);

/// Reads `fd` to its end into the blob at `to.path`, whose name is the last thing to happen: until then, and
/// when anything fails or stops, what stood there stays. Blocks that an earlier run has sent are not sent
/// again. kind::precondition when somebody else wrote the blob meanwhile. The descriptor stays the caller's.
task<result<summary>> stream_in(context&, int fd, remote to, stream_in_options);

/// The size of block `index` of a stream whose end is not known: `first`, doubled after each `per_size`
/// blocks, at most 4000 MiB. From 8 MiB on, doubled after each thousand, 50,000 blocks hold 160 TiB, 84% of
/// what fits a blob; a fixed block size of 4000 MiB reaches the whole.
std::uint64_t stream_block_size(std::uint64_t index, std::uint64_t first, unsigned per_size);

}  // namespace act::ops
