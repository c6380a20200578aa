#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>

#include "engine/file/file.hpp"

namespace act::file {

/// The folders of one tree, opened by their relative names to write into them. Symbolic links on the way are
/// passed only while they stay within the tree, so that no link in it redirects what is written; the root
/// itself may be reached through any. Missing folders are made. Thread-safe; blocks.
class tree_folders {
public:
    enum class outside { refuse, allow };
    /// `allow`: links are passed wherever they lead.
    explicit tree_folders(std::string root, outside = outside::refuse);

    using folder = std::shared_ptr<const descriptor>;
    /// `name` is empty (the root) or "a/b". kind::conflict when a link leads out, or something else than a
    /// folder is in the way.
    result<folder> open(const std::string& name);

private:
    result<folder> root();
    /// Invalid with errno set where it cannot be opened, EXDEV for links that lead out.
    descriptor reach(int root, const std::string& name) const;
    result<descriptor> make(int root, const std::string& name) const;
    error failure(const std::string& name, int number) const;

    const std::string root_path_;
    const outside outside_;
    std::mutex mutex_;
    folder root_;
    /// Those used last: files come in the order of names.
    struct kept {
        std::string name;
        folder opened;
    };
    std::array<kept, 8> kept_;
    std::size_t next_ = 0;
};

}  // namespace act::file
