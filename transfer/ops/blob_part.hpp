#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/memory/buffer_pool.hpp"
#include "transfer/client/client.hpp"
#include "transfer/plan/block_id.hpp"

/// How a large blob is read in parts that are verified one by one: what downloads to files and to streams
/// share.
namespace act::ops {

/// A part to fetch, and how it is verified: by the content hash in our block id, else by the service's
/// checksum of the range (which it gives for up to blob::max_checked_range).
struct blob_part {
    plan::block_range range;
    std::optional<codec::hash128> hash;
};

/// The blocks of the blob when all of them are ours; nothing for other tools' blobs.
task<result<std::optional<std::vector<plan::block_id>>>> own_blocks(blob::client&, blob::address,
                                                                    const blob::properties&, until);

/// Begins to read a range of the blob that `seen` is of. kind::precondition when it was changed meanwhile,
/// kind::protocol when the service sends another range.
task<result<blob::download>> open_part(blob::client&, blob::address, blob::etag seen, plan::block_range,
                                       until);

/// Reads the part into `into` (as long as the part) and verifies it. One try; see second_chances.
task<result<void>> read_part(blob::client&, blob::address, blob::etag seen, blob_part,
                             std::span<std::byte> into, until);

/// The same, hedged: a repetition of a slow request reads into memory of its own, if there is some, and what
/// came first is what `into` is when this returns.
task<result<void>> read_part(blob::client&, buffer_pool&, blob::address, blob::etag seen, blob_part part,
                             buffer& into, until);

/// The service ended an answer before its length was reached.
error ended_early(const blob::address&);
/// Of a repetition that cannot have memory; the first try goes on.
error no_memory_to_spare();
/// kind::integrity.
error block_differs(const blob::address&);

}  // namespace act::ops
