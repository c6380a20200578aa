#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/file/file.hpp"
#include "submit/cluster/cluster.hpp"

/// Data that was fetched for jobs and stays on this machine for the next ones: FOLDER/HASH/X for each project
/// and cluster (HASH) and data folder X. All calls block. Private to this folder.
namespace act::backend {

/// A folder of the cache that somebody fetches into or is about to use: it stays as long as this lives.
struct held_data {
    std::string name;  ///< "HASH/X"
    std::string path;
    std::optional<std::uint64_t> bytes;  ///< as noted when it was used last
    file::descriptor lock;
};

class data_cache {
public:
    /// Names, as above, that runs need.
    using names = std::set<std::string>;

    /// The one of this user, for the folders of this cluster. Its bound is ACT_DATA_CACHE, else the cluster
    /// file's data_cache.
    static result<data_cache> open(const cluster::config&,
                                   const std::map<std::string, std::string>& environment);

    /// Counts as used now. Waits while somebody removes it.
    result<held_data> hold(const std::string& folder) const;
    /// What was fetched is whole: notes its size, which is measured only if something has changed, and counts
    /// as used once more.
    void fetched(const held_data&, bool changed) const;
    /// Removes what was used longest ago until the rest is within the bound, but nothing that is held or that
    /// `in_use` names. That is asked for each folder while nobody can hold it, so whoever holds one until its
    /// run is named there is safe. A folder disappears from its place at once, whole. Returns what is to be
    /// told, a line each: what went, and what could not be removed, which is no failure.
    std::vector<std::string> keep_within_bound(const std::function<result<names>()>& in_use) const;

    /// How much of `total` bytes may stay on a disk with as many free: by itself half of both, so that as
    /// much stays free as the cache takes.
    std::uint64_t bound(std::uint64_t total, std::uint64_t free) const;
    const std::string& folder() const { return folder_; }

private:
    struct entry;
    data_cache() = default;
    std::string note_of(const std::string& name) const;
    entry look_at(std::string name) const;
    std::vector<entry> all() const;
    void clear_removed() const;
    result<bool> remove(const std::string& name, const std::function<result<names>()>& in_use) const;

    std::string folder_, project_;
    std::optional<std::uint64_t> bound_;
};

}  // namespace act::backend
