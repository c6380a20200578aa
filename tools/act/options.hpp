#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/log.hpp"
#include "engine/core/result.hpp"
#include "engine/core/secret.hpp"
#include "submit/runs/runs.hpp"
#include "tools/store/network_model.hpp"
#include "transfer/ops/ops.hpp"
#include "transfer/plan/policy.hpp"

namespace act::cli {

/// What the command line asked for. The values here are the defaults.
struct options {
    // every verb
    bool help = false, version = false;
    bool json = false;
    log::level log_level = log::level::warning;
    unsigned threads = 0;  ///< 0: min(cores, 16)
    std::uint64_t memory = 256ull << 20;
    std::optional<unsigned> concurrency;       ///< unset: found out while running
    double cap_operations = 0, cap_bytes = 0;  ///< a second and account; 0: none
    bool no_hedge = false;
    std::string cluster, from_cluster;
    std::optional<int> num_gpu;

    // verbs that change something
    bool dry_run = false, yes = false;
    enum class snapshot_fate { include, only, refuse } delete_snapshots = snapshot_fate::include;
    ops::remove_options::version_fate delete_versions = ops::remove_options::version_fate::keep;
    bool hash = false, force = false;
    bool delete_extras = false;
    std::optional<std::uint64_t> most_deleted;
    std::optional<double> most_deleted_percent;
    std::uint64_t offset = 0, count = 0;  ///< a range; count 0: to the end
    plan::property_changes changes;       ///< of `set`, or what transfers give to new blobs
    std::string rehydrate;
    bool put_md5 = false, decompress = false;
    ops::md5_check check_md5 = ops::md5_check::automatic;
    std::uint64_t block_size = 0;  ///< 0: chosen by the operation
    std::optional<blob::blob_type> blob_type;
    bool customer_key = false;     ///< from the environment, for accounts that have none
    std::string encryption_scope;  ///< of what is written; of `mkcontainer` the default
    bool only_scope = false;

    // what transfers do with what stands there, with links, owners and types
    std::optional<plan::overwrite> overwrite;
    bool follow_links = false, keep_links = false, unsafe_links = false;
    bool keep_owner = false, keep_permissions = false, no_guess = false;

    // lists and manifests
    std::string from_list, manifest_in, manifest_out, failed_out, manifest;  ///< files; from_list may be "-"
    bool null_separated = false;
    bool extra = false;

    // what takes part
    struct choice {
        enum class how { include, exclude, include_regex, exclude_regex, include_from, exclude_from };
        how kind;
        std::string text;
    };
    std::vector<choice> choices;  ///< in the order they were given
    std::optional<std::uint64_t> least_size, most_size;
    std::optional<wall_time> newer_than, older_than;

    // listing, links
    bool raw_prefix = false, one_level = false;
    std::string delimiter;
    bool details = false, exact_sizes = false, snapshots = false, versions = false, deleted = false,
         past = false, reverse = false;
    enum class order { stored, name, size, time } sort = order::stored;
    std::optional<std::uint64_t> depth;
    double expires = 30 * 86400.0;  ///< seconds

    // run, bench
    unsigned jobs = 16;
    std::uint64_t large = 0, small_count = 0, small_size = 0;  ///< 0: chosen by what is measured
    unsigned repeat = 0;
    std::string only, folder;

    // serve
    std::string root, listen, account;
    std::string key;  ///< as given: the key itself, env:NAME or file:PATH
    std::string bearer_token_file;
    std::string tls_certificate, tls_key;
    store::network_model network;
    std::string admin;
    std::optional<std::uint32_t> soft_delete_days;
    std::optional<bool> versioning;
    bool hierarchical = false;

    // jobs
    bool wait = false, pack_first = false;
    bool as_packed = false, keep = false, no_docker = false;
    bool undelivered = false;
    bool off = false;
    std::string shell_line, run_name, sweep_file;
    std::optional<std::string> experiment;
    std::map<std::string, std::optional<std::string>> job_env;  ///< no value: the one that act itself has
    std::vector<std::string> sweep;                             ///< "lr=0.1,0.01"
    unsigned max_parallel = 0;                                  ///< 0: as many as there is room for
    std::string resubmit_to;
    std::optional<std::string> compile_args;
    bool single = false, hold = false;
    std::optional<std::uint64_t> max;
    bool no_logs = false, no_details = false, no_full_logs = false;

    // which runs, and what is done about them
    std::string run_group, run_text;
    std::optional<runs::state> run_state;
    std::optional<wall_time> since;
    unsigned rank = 0, retries = 2;
    bool fresh = false, watch = false;

    std::set<std::string, std::less<>> seen;  ///< the long (or only) names that stood on the command line
    std::vector<std::string> warnings;
};

/// One option: its names, its value's name (empty: a flag), which verbs have it (empty: all), one sentence,
/// and what it does. The sentence is empty for what ACT had and this program only tolerates; help leaves
/// those out.
struct option {
    std::string_view name;        ///< "--cluster", or "-hold" where ACT had no long form
    std::string_view short_name;  ///< "-c", "-rt"; may be empty
    std::string_view value;       ///< "NAME"
    std::string_view verbs;       ///< "upload download"
    std::string_view sentence;
    result<void> (*apply)(options&, const option&, std::string_view value);

    bool is_flag() const { return value.empty(); }
    /// True when it is one of that verb's own.
    bool belongs_to(std::string_view verb) const;
    /// True when it may stand in a call of that verb.
    bool fits(std::string_view verb) const;
};

std::span<const option> all_options();

}  // namespace act::cli
