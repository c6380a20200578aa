#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "transfer/client/client.hpp"

namespace act::ops {

/// The blocks that the service has of a blob, which need not be sent again.
struct blocks_there {
    std::vector<std::string> committed;       ///< of the blob that was known of, in its order
    std::unordered_set<std::string> present;  ///< committed, under our key or scope, or staged
};

/// Asks what of `where` is there. Uncommitted blocks whose ids are not as long as ours, which would make ours
/// be refused, are cleared away, without a change to what the blob holds; `existing` then gets the new ETag.
/// kind::conflict when that is not possible.
task<result<blocks_there>> find_blocks(blob::client&, blob::address where,
                                       std::optional<blob::properties>& existing, until);

/// After a block was refused for its key or scope: drops uncommitted blocks, which an interrupted upload may
/// have left under another. True when there were some and they are gone; what is committed stays as it is.
task<bool> drop_staged(blob::client&, blob::address where, std::optional<blob::properties>& existing, until);

}  // namespace act::ops
