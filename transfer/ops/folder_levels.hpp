#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "transfer/ops/operation.hpp"
#include "transfer/ops/spool.hpp"

namespace act::ops {

/// Folders of a tree, kept by how deep they are until something is to be done with each after all that is in
/// it. However many there are, little of them is in memory.
class folder_levels {
public:
    struct folder {
        std::string name;    ///< full blob name; empty: the container's root
        blob::etag version;  ///< as it was seen, where that matters
    };

    result<void> add(const folder&);
    bool empty() const { return levels_.empty(); }

    /// Calls `what` for every folder: for those of one depth at the same time, on all loops, the deepest
    /// first. Afterwards there are none. Ends early by stop; fails when the list is lost. What becomes of
    /// each is for `what` to tell.
    using visit = std::function<task<void>(folder)>;
    task<result<void>> each_deepest_first(operation&, visit what);

private:
    std::map<std::size_t, std::unique_ptr<spool>> levels_;
};

}  // namespace act::ops
