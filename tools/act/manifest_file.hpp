#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/async/stop.hpp"
#include "engine/file/file.hpp"
#include "engine/file/name_sorter.hpp"
#include "transfer/mover/progress.hpp"
#include "transfer/plan/item_list.hpp"

namespace act::cli {

/// A file of lines that appears under its name when it is whole. What is no regular file, as a pipe or a
/// device, gets all of them then: until then they wait in an unnamed file, since nobody who adds one can wait
/// for a slow reader.
class lines_aside {
public:
    static result<lines_aside> create(const std::string& path, const until&);
    void add(std::string_view line);
    /// Somebody can read it again by its name.
    bool stays() const { return to_.has_value(); }
    /// The first failure of a write, if any; nothing appears then.
    result<void> publish();

private:
    lines_aside() = default;
    void flush();
    result<void> hand_over();

    std::string name_;
    std::optional<file::aside> to_;
    file::descriptor in_place_, waiting_;  ///< without `to_`
    std::string buffer_;
    std::uint64_t written_ = 0;
    result<void> outcome_;
};

/// The file of --manifest-out: what stands at the destination after a run, in the order of names (DESIGN
/// section 8). Objects come in any order; what exceeds a few megabytes waits in a temporary file.
/// Thread-safe.
class manifest_file {
public:
    static result<std::unique_ptr<manifest_file>> create(const std::string& path, std::string_view verb,
                                                         const until&);

    /// Under its name at the destination, `name`; `source` if it has another one there.
    void add(const std::string& name, const std::string& source, const record&);
    /// The run failed with what has this name: what an older manifest says of it is kept, but not believed.
    void doubt(const std::string& name);
    /// Sorts, writes and publishes it; `complete`: nothing failed and nothing was left out. `destination`, if
    /// it is one, goes into its first line. What `before`, the last manifest of the same destination, has and
    /// was not added is carried over.
    result<void> publish(bool complete, const std::string& destination, plan::manifest* before);

private:
    manifest_file(lines_aside to, std::string_view verb);
    void keep(const std::string& name, char fate, std::string_view line);
    void write_all(file::sorted_names&);
    result<void> write_merged(file::sorted_names&, plan::manifest& before);
    void write(std::string_view line);

    lines_aside to_;
    const std::string verb_;
    std::mutex mutex_;
    file::name_sorter names_;
    std::uint64_t objects_ = 0;
};

}  // namespace act::cli
