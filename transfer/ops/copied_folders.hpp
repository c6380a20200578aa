#pragma once

#include <string>
#include <vector>

#include "transfer/ops/folder_levels.hpp"

namespace act::ops {

struct copy_run;

/// What a copy has to do with folders when all in them is there: permissions are set, for they may shut out
/// who is still writing, and those of a move go. The calls but finish() follow the listing.
class copied_folders {
public:
    /// The listing has come to `name`.
    void come_to(const std::string& name);
    /// A real folder with something in it: it gets its permissions if some of that is taken. Without a name:
    /// the container's own.
    void enter(const copy_run&, const std::string& folder);
    /// What the listing has come to is taken, so the folders around it will be there.
    result<void> take(const copy_run&);

    /// A folder is to get its permissions, where they are kept.
    result<void> permit(const copy_run&, const std::string& folder);
    /// Of a move: a folder, real or a stub, goes when all below it has gone.
    result<void> part_with(const copy_run&, const blob::properties&);

    /// When all jobs have ended. What fails is reported to the operation.
    task<void> finish(copy_run&);

private:
    std::vector<std::string> around_;  ///< of which nothing has been taken yet
    folder_levels to_permit_, to_go_;
};

}  // namespace act::ops
