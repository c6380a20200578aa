#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/core/units.hpp"
#include "submit/cluster/cluster.hpp"

/// The code tree as an archive that is named by its content: HASH.zip. The hash covers names, kinds,
/// executable bits and bytes, in byte order of names; not times, owners, the place of the tree or the
/// compressor, so the same code has the same hash on every machine.
namespace act::stage {

struct pack_options {
    std::string root;    ///< absolute path of the code tree
    std::string folder;  ///< absolute path of the folder that receives HASH.zip; made when missing
    /// First components that are data, not code (the X of X_folder).
    std::vector<std::string> data_folders;
    /// Names relative to the root that are never packed, each with the reason that the report gives.
    struct refusal {
        std::string name, reason;
        bool secret = true;
    };
    std::vector<refusal> never;
    /// zip's arguments as ACT has them; of these `-x PATTERN...` counts, the rest is reported as a warning.
    std::vector<std::string> zip_options;
    bool all = false;     ///< zip_options and .actignore do not count: what they leave out is gone already
    bool indexed = true;  ///< remember stamps for the next time
    /// Of libdeflate's levels 4 costs a tenth more than 3 on large files and saves 5%; 1 takes two thirds of
    /// the time of 3, and loses little where there is little to look back to. With both, 26.3 MB of the Boost
    /// headers where zip's 6 has 25.6.
    int level = 4, small_level = 1;
    std::uint64_t small = 64 * KiB;  ///< files below this have small_level
    /// Files above this are stored as they are, streamed: they are models and media, and would need their
    /// size in memory twice.
    std::uint64_t whole_in_memory = 256 * MiB;
    bool dry_run = false;  ///< hash and report, write nothing
    /// A file whose last change is not older than this is read again the next time: clocks of file systems
    /// are coarse, so that a second change may leave no trace.
    std::chrono::nanoseconds settling = std::chrono::seconds(2);
};

/// What a cluster's configuration says about packing: data folders, account files, zip_options, the log
/// folder.
pack_options options_for(const cluster::config&, const std::map<std::string, std::string>& environment);

struct sized_name {
    std::string name;
    std::uint64_t bytes = 0;
};

struct omission {
    std::string name;  ///< a directory ends with '/'
    std::string reason;
    bool secret = false;  ///< left out because it is or holds a secret: worth telling the user each time
};

struct report {
    std::string hash;     ///< 64 hexadecimal digits (SHA-256)
    std::string archive;  ///< absolute path of HASH.zip; with dry_run where it would be
    std::uint64_t files = 0, links = 0, bytes = 0;
    std::uint64_t archive_bytes = 0;
    std::vector<sized_name> largest;  ///< up to ten files, largest first
    std::vector<omission> left_out;   ///< secrets first; of the others the first hundred
    std::uint64_t left_out_total = 0;
    std::vector<std::string> warnings;
    bool reused = false;           ///< the archive stood there already, whole
    std::uint64_t read = 0;        ///< files that were read: the others are as they were the last time
    std::uint64_t compressed = 0;  ///< files whose content was not in the last archive
};

/// Walks the tree and identifies each file, by its stamp in the index (FOLDER/index, one per project) or by
/// reading it; then, unless this code was packed before, reads and compresses what the last archive does not
/// hold, takes the rest from there, and publishes the archive. Without an index, both in one reading. All on
/// the runtime's blocking pool in bounded memory. Files that change meanwhile make it start again, a few
/// times. Fails by stop, by an unreadable file (named), by a tree that keeps changing (kind::conflict),
/// or when there is nothing to pack (kind::not_found).
task<result<report>> pack(runtime&, pack_options, until);

/// Where an archive goes in a container: "p/code.zip" (a code_path) gives "p/code/HASH.zip".
std::string blob_name(const std::string& code_path, const std::string& hash);

/// The archive that `act init` made last for this project and cluster, so that `act submit` can pin it. Kept
/// in `folder`.
result<void> remember(const std::string& folder, const cluster::config&, const std::string& hash);
/// kind::not_found, with the advice to run `act init`, when there is none (or its file is gone).
result<std::string> recall(const std::string& folder, const cluster::config&);

/// Sets an archive's time, by which prune() goes: it stays for an hour then. False: it is not there.
bool mark_used(const std::string& archive);

/// Keeps the folder of archives below `bound` bytes: removes archives and indexes, those first that were used
/// longest ago. Stays: what `needed` names (asked only when something has to go), what recall() may give, and
/// what was used within the last hour, as somebody may be about to. The bytes that went.
result<std::uint64_t> prune(const std::string& folder, std::uint64_t bound,
                            const std::function<result<std::set<std::string>>()>& needed);

}  // namespace act::stage
