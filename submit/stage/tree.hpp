#pragma once

#include <mutex>
#include <set>

#include "engine/async/runtime.hpp"
#include "engine/file/walk.hpp"
#include "submit/stage/content_hash.hpp"
#include "submit/stage/ignore.hpp"
#include "submit/stage/index.hpp"
#include "submit/stage/pack.hpp"

/// What of the code tree is packed, and what is not and why. Private to this folder.
namespace act::stage {

struct tree_entry {
    std::string name;  ///< a directory (an empty one) ends with '/'
    entry_kind kind = entry_kind::file;
    std::uint64_t size = 0;
    std::string link_target;
    // Known of files once their content is.
    std::string sha256 = {};
    std::optional<stamp> seen = {};
    packed_form packed = {};
};

/// The reasons are collected from several threads.
class omissions {
public:
    void add(std::string name, std::string reason, bool secret = false);
    /// Secrets first, then the rest in order of names, as many as the report shows.
    void report_to(report&) const;

private:
    static constexpr std::size_t shown = 100;
    mutable std::mutex mutex_;
    std::set<std::string> seen_;
    std::vector<omission> secrets_, others_;
};

struct tree {
    std::vector<tree_entry> entries;  ///< in the byte order of names
    std::vector<std::string> warnings;
};

/// Blocks.
result<tree> scan_tree(const pack_options&, omissions&, stop_token);

}  // namespace act::stage
