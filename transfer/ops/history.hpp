#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "transfer/ops/operation.hpp"

namespace act::ops {

/// What a listing with all that is deleted and all versions tells of one name.
struct name_history {
    std::string name;
    std::uint64_t size = 0;                   ///< of the blob that is there
    bool there = false;                       ///< a plain GET finds a blob
    std::optional<blob::properties> deleted;  ///< the blob, soft-deleted
    std::optional<blob::properties> latest;   ///< the youngest version but the current one, deleted or not
    std::vector<blob::properties> past;       ///< deleted snapshots and versions

    /// Nothing is there, but what was last can be: soft-deleted, or (where the account keeps versions) left
    /// as a version without a current one.
    const blob::properties* gone() const {
        if (there) return nullptr;
        return deleted ? &*deleted : latest ? &*latest : nullptr;
    }
};

/// Calls `each` for all names at the path and below "path/" (or with that prefix), in order; for those below
/// with how much of the name is the path.
using history_receiver = std::function<task<result<void>>(name_history, std::size_t strip)>;
task<result<void>> each_history(operation&, const remote&, bool raw_prefix, bool snapshots,
                                const history_receiver& each);
/// That of one name; nothing when there is none.
task<result<std::optional<name_history>>> history_of(const remote&, const std::string& name, until);

}  // namespace act::ops
