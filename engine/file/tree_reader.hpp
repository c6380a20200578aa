#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "engine/file/name_sorter.hpp"
#include "engine/file/walk.hpp"

namespace act::file {

/// The directories above one, by what the file system calls them: how a loop of symbolic links is noticed.
struct lineage {
    std::uint64_t device = 0, inode = 0;
    unsigned depth = 0;
    std::shared_ptr<const lineage> parent;

    bool holds(const status& directory) const;
};

/// In the order of components a folder's name ends with this instead of '/' while it is sorted: it comes
/// before every byte of a name.
inline constexpr char folder_end = '\0';

/// Reads directories of one tree by their names relative to its root. Holds one descriptor, the root's;
/// thread-safe.
class tree_reader {
public:
    /// `interrupted` ends long listings early.
    tree_reader(std::string root, const walk_options&, const std::atomic<bool>& interrupted, stop_token);

    result<void> open_root();

    /// `name` is empty (the root) or ends with '/'. Works beyond the system's limit on a path's length.
    result<descriptor> open(const std::string& name) const;

    struct listing {
        sorted_names names;
        bool empty = false;  ///< nothing at all is in it
    };
    /// What is in the directory and wanted; reports what cannot be walked.
    listing list(int fd, const std::string& name) const;

    /// The entry for a file or link of a listing; nothing when it had to be reported instead.
    std::optional<entry> look(int fd, const std::string& directory, const sorted_names::item&) const;

    void report(const std::string& name, const error&) const;
    /// The path for people: what is not UTF-8 escaped.
    std::string shown(const std::string& name) const;

private:
    struct found;
    void add(int fd, const std::string& directory, const found&, name_sorter&) const;
    /// What an entry is to the walk: of a kind, a problem, or (neither) passed over.
    struct verdict {
        std::optional<name_kind> kind;
        std::optional<error> problem;
    };
    verdict judge(int fd, const std::string& directory, const found&) const;
    std::string path_of(const std::string& name) const;

    const std::string root_;
    const walk_options& options_;
    const std::atomic<bool>& interrupted_;
    const stop_token stop_;
    descriptor root_fd_;
};

}  // namespace act::file
