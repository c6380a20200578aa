#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace act::cli {

/// Counts per folder of names that come in order, where each folder's names are neighbours. Memory grows with
/// the depth of the tree alone.
class folder_tally {
public:
    struct folder {
        std::string path;       ///< "a/b/"; empty: the root
        std::size_t level = 0;  ///< of the root: 0
        std::uint64_t files = 0, bytes = 0;
    };
    using event = std::function<void(const folder&)>;

    /// Folders below `depth` levels count as files of the one above. `enter` is called before what is in a
    /// folder, its counts still zero; `leave` behind it, with all below it counted.
    folder_tally(std::size_t depth, event enter, event leave);

    /// A file, by its name relative to the root; an empty one whose name ends in a slash is but a folder.
    void add(std::string_view name, std::uint64_t bytes);
    /// Leaves what is still open, the root last.
    void finish();
    std::size_t level() const { return open_.back().level; }

private:
    void close_to(std::size_t levels);

    std::size_t depth_;
    event enter_, leave_;
    std::vector<folder> open_;
};

}  // namespace act::cli
