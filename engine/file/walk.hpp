#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/async/stop.hpp"
#include "engine/core/name_order.hpp"
#include "engine/file/file.hpp"

namespace act::file {

/// One thing found; `name` is relative to the root, with '/' between components, and no trailing slash.
struct entry {
    std::string name;
    status info;
    /// A directory with nothing in it (only reported with walk_options::empty_directories).
    bool empty_directory = false;
    std::string link_target;  ///< of symbolic links that are reported as such
};

enum class links {
    follow,  ///< report what they point to; loops are noticed and reported as problems
    skip,
    report,  ///< as links
};

struct walk_options {
    file::links links = file::links::follow;
    bool empty_directories = true;
    name_order order = name_order::bytes;
    /// Asked for each relative name (directories with a trailing '/'): false leaves it, and what is below,
    /// out. From any thread, in any order.
    std::function<bool(std::string_view name, bool directory)> want;
    /// Called for what cannot be read (permission, a loop, a socket or device); the walk goes on. From any
    /// thread.
    std::function<void(const std::string& path, const error&)> problem;
    /// Readers besides the thread that calls next(), which lends a hand rather than wait.
    unsigned threads = 2;
    /// Entries per batch, and batches that may be waiting.
    std::size_t batch = 256;
    std::size_t batches_ahead = 16;
    /// Bytes for the names of one directory; a larger one is sorted in runs, in a temporary file.
    std::size_t sort_memory = std::size_t{32} << 20;
};

/// Walks a tree in the order of whole relative names, by their bytes unless told otherwise, directories read
/// in parallel ahead of the consumer, in bounded memory. An empty directory has its place by
/// its name without '/', too. Names that are not valid UTF-8 are problems. At most threads + 2 directories
/// are open, however deep the tree. next() is called from one thread at a time and blocks; destruction ends
/// the readers.
class walker {
public:
    walker(std::string root, walk_options, stop_token);
    ~walker();
    walker(const walker&) = delete;
    walker& operator=(const walker&) = delete;

    /// The next entries in order; empty at the end. Fails when the root itself cannot be read, or by stop.
    result<std::vector<entry>> next();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act::file
