#pragma once

#include "tools/store/put_blob.hpp"

namespace act::store {

/// The `blockid` parameter, decoded.
outcome<std::string> read_block_id(const call&);
/// Puts a block under an id of the call's blob. A good answer has taken over one reference to the block's
/// piece.
answer stage_block(service&, writer&, const call&, const std::string& block_id, const block_record&);

}  // namespace act::store
