#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/memory/buffer_pool.hpp"
#include "transfer/client/client.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

/// The longest that Append Block and Put Page take in our version of the protocol.
inline constexpr std::uint64_t piece_size = blob::max_checked_range;
inline constexpr std::uint64_t longest_append_blob = 50'000 * piece_size;

/// A blob that grows under its name, since the service knows no other way. Until it is whole its metadata
/// say so, with a word by which this process knows its own; every write is on condition that nobody else has
/// written since the last, so that what a reply was lost for is found out too.
class blob_builder {
public:
    /// `size`: of a page blob, whose length is set when it is made.
    blob_builder(blob::client&, blob::address, blob::blob_type, std::uint64_t size, blob::write_options);

    /// Empties what stands there, under the condition of the write options. What a failure has left is taken
    /// back.
    task<result<void>> begin(until);

    /// Reads the next piece into the memory given, and says where in the blob it goes; length 0: the end. It
    /// is stopped when nothing can be written any more.
    using source = std::function<task<result<plan::block_range>>(std::span<std::byte>, until)>;
    /// `memory` is for one piece, then nothing is read while something is written, or for two. Of page blobs
    /// zeros are not sent. `moved` is told of every piece that is there.
    task<result<void>> fill(buffer memory, source, std::function<void(std::uint64_t)> moved, until);
    /// How much memory makes the best of these pieces.
    static std::size_t memory_for(const std::vector<plan::block_range>& pieces);

    /// The mark goes, and the blob counts. `md5` goes with it, if not empty.
    task<result<blob::etag>> finish(std::string md5, until);
    /// After a failure: what is not whole does not stay. No stop counts here.
    task<void> take_back();

    /// What the last write gave it.
    const blob::etag& etag() const { return last_; }

private:
    using request = std::function<task<result<blob::write_result>>()>;
    task<result<void>> carry_out(request, std::uint64_t size_after, until);
    task<result<void>> write(plan::block_range, std::span<const std::byte>, until);
    task<result<blob::write_result>> create(blob::write_options draft, until);
    task<result<void>> catch_up(error why, until);
    bool ours(const blob::properties&) const;

    blob::client& client_;
    blob::address to_;
    blob::blob_type type_;
    std::uint64_t size_;  ///< of what was made so far
    blob::write_options about_;
    std::string word_;
    blob::etag last_;
    std::uint64_t seen_size_ = 0;
};

/// Blocks are refused where a blob of another type stands. If so, an empty block blob takes its place, marked
/// as unfinished, and is `existing` then; without a commit `room` is to be taken back. What stood there is
/// lost then, so it is kind::conflict unless the user asked for it (`replace`) or nothing whole stands there.
task<result<void>> make_room_for_blocks(std::optional<blob_builder>& room, bool replace, blob::client&,
                                        blob::address, std::optional<blob::properties>& existing,
                                        blob::write_options, until);

/// kind::unsupported when content of this size cannot be a blob of this type; `what` names it.
result<void> check_fits(blob::blob_type, std::uint64_t size, const std::string& what);

}  // namespace act::ops
