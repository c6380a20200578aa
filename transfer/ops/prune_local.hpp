#pragma once

#include <string>

#include "engine/file/file.hpp"

namespace act::ops {

/// Deletes files below one folder, and the folders that this leaves empty, up to the root itself. Blocks.
class local_pruner {
public:
    explicit local_pruner(std::string root) : root_(std::move(root)) {}

    /// `name` is relative. Deleted only while it has the size and time it was seen with; gone already is what
    /// was wanted. kind::precondition when it was changed since, kind::conflict for a link to a folder.
    result<void> remove(const std::string& name, bool folder, std::uint64_t size, wall_time modified);
    /// After the last: the folders above it.
    void finish() { leave(last_folder_, {}); }

private:
    /// Tries to delete `folder` and those above it, as far as they are not above `next` as well.
    void leave(std::string folder, const std::string& next) const;

    std::string root_;
    std::string last_folder_;  ///< relative; of the file deleted last
};

}  // namespace act::ops
