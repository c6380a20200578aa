#pragma once

#include <atomic>
#include <string>

#include "engine/file/tree_folders.hpp"
#include "transfer/ops/ops.hpp"

namespace act::ops {

/// Where the files of one download appear: the one place that writes below its root. Thread-safe; blocks, but
/// for the disk only in publish().
class local_target {
public:
    /// `root`: the tree's folder, or the file itself when one blob is downloaded.
    local_target(std::string root, const download_options&);

    /// `path` is the root or lies below it, as plan::local_path() makes it.
    result<file::aside> create(const std::string& path, std::string keep_as = {});
    result<void> make_folder(const std::string& path);
    /// With what is recorded of the file. False when something came there that is not to be replaced.
    result<bool> publish(file::aside&, const blob::properties&, file::aside::durability);
    /// Makes a symbolic link that leads to `target`. kind::unsupported for one that may lead out of the tree,
    /// unless that is allowed.
    result<bool> link(const std::string& path, const std::string& target, const blob::properties&,
                      file::aside::durability);

private:
    std::string below(const std::string& path) const;
    result<file::tree_folders::folder> folder_of(const std::string& path);
    void not_permitted();

    const std::string root_;
    const download_options::links_down links_;
    const bool keep_owner_, replace_;
    file::tree_folders folders_;
    std::atomic<bool> warned_{false};
};

}  // namespace act::ops
