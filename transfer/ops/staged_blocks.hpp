#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "transfer/client/client.hpp"

namespace act::ops {

/// What a blob that is to be written in blocks has already.
struct staged_blocks {
    std::unordered_set<std::string> present;  ///< ids, committed or not: these need not be sent
    std::vector<std::string> committed;       ///< in the blob's order
};

/// Asks the service, and clears away uncommitted blocks of other tools, beside which ours would be refused
/// (all ids must be of one length). `existing` is what was seen there; its ETag follows when clearing changes
/// it.
task<result<staged_blocks>> find_staged_blocks(blob::client&, blob::address,
                                               std::optional<blob::properties>& existing, until);

}  // namespace act::ops
