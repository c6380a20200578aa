#pragma once

#include <string>
#include <string_view>

#include "engine/file/file.hpp"
#include "submit/stage/index.hpp"

/// Private to this folder.
namespace act::stage {

/// Opens the files of a tree, and looks at them. They come in the order of their names, so the folder of the
/// last one stays open: the way from the root to it, which the kernel would go for each file, costs as much
/// as opening the file. For one thread at a time.
class tree_files {
public:
    explicit tree_files(std::string root) : root_(std::move(root)) {}

    result<file::descriptor> open(const std::string& name);
    /// Nothing when it cannot be told. Never follows a link.
    std::optional<stamp> look(const std::string& name);
    /// Another folder may stand at the place of the open one by the next time.
    void forget() { *this = tree_files(std::move(root_)); }

private:
    struct place {
        int folder;
        const char* name;
    };
    /// Valid until the next call, and as long as `path`.
    place at(const std::string& path);

    std::string root_;
    std::string folder_;  ///< with the root and a '/' at the end; empty: none is open
    file::descriptor fd_;
};

}  // namespace act::stage
