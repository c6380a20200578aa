#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

/// What this machine knows about the runs that it submitted: one journal file that any number of processes
/// append to.
namespace act::runs {

enum class state { queued, running, completed, failed, canceled };
std::string_view to_string(state);
std::optional<state> parse_state(std::string_view);
inline bool is_final(state s) { return s != state::queued && s != state::running; }

struct record {
    /// "20260102-030405-k3x9q2": time of submission (UTC), then six characters that no other run of this
    /// journal has.
    std::string id;
    std::string cluster;   ///< the cluster's name: "local", "eu"
    std::string platform;  ///< local, slurm, aml, batch
    std::string project;   ///< root of the project it was submitted from
    std::string experiment;
    std::vector<std::string> command;  ///< the exact argument vector
    std::string code;                  ///< hash of the code archive
    std::string name;                  ///< --name; empty: none
    std::string group, point;          ///< of a sweep: what its runs share, and this one's "lr=0.1 seed=2"
    std::map<std::string, std::string> env;  ///< --env, on top of the cluster's
    std::optional<int> asked_gpus;           ///< -n
    bool single = false, hold = false;       ///< -single, -hold
    int gpus = 0, nodes = 1, processes_per_node = 1;
    runs::state state = runs::state::queued;
    wall_time submitted{}, started{}, ended{};  ///< the epoch: not yet
    std::optional<int> exit_code;               ///< 128 + N when signal N ended it
    std::string reason;                         ///< why it failed or was cancelled, where that is known
    std::string node;
    std::int64_t pid = 0;  ///< of the local supervisor, with its start time: pids come again
    std::uint64_t pid_started = 0;
    std::string folder;                          ///< the run's own folder on this machine
    std::string logs;                            ///< folder of its logs on this machine
    std::string backend_id;                      ///< its id at the back end, where that has ids
    std::map<std::string, std::string> details;  ///< what a back end wants to keep
};

/// The journal: JSON lines, later ones win; a torn last line (power loss) is skipped and repaired. Appends
/// hold a file lock, also over NFS, where home directories of clusters live; readers need none. Objects are
/// cheap; not thread-safe.
class journal {
public:
    /// Opens (and makes) the journal in `folder`, state_folder() as a rule.
    static result<journal> open(const std::string& folder);
    journal(journal&&) noexcept;
    journal& operator=(journal&&) noexcept;
    ~journal();

    /// Gives the record its id, submission time and, where these are empty, its folders (FOLDER/runs/ID and
    /// ID/logs, made, for the user alone); then writes it.
    result<record> add(record);
    /// Changes a record under the lock: `change` sees the newest state. The record afterwards.
    result<record> update(const std::string& id, const std::function<void(record&)>& change);
    /// Calls `look` with all runs, oldest first, while no process can add or change one.
    result<void> locked(const std::function<result<void>(const std::vector<record>&)>& look);
    /// By id or by any suffix of it that only one run has. kind::not_found; kind::usage when several match,
    /// naming them.
    result<record> find(std::string_view id_or_suffix) const;
    /// All runs, newest first.
    result<std::vector<record>> list() const;
    const std::string& folder() const;

private:
    struct impl;
    explicit journal(std::unique_ptr<impl>);
    std::unique_ptr<impl> impl_;
};

/// $XDG_STATE_HOME/act, or ~/.local/state/act.
result<std::string> state_folder(const std::map<std::string, std::string>& environment);
/// $XDG_CACHE_HOME/act, or ~/.cache/act: data staged for local runs.
result<std::string> cache_folder(const std::map<std::string, std::string>& environment);
/// $XDG_DATA_HOME/act, or ~/.local/share/act: the built-in store.
result<std::string> data_folder(const std::map<std::string, std::string>& environment);

/// An id for a run that begins now; that no other run has the same last characters is up to its journal.
std::string new_id(wall_time at);
/// The last five characters, ACT's appID-s.
std::string short_id(const std::string& id);
/// From start to end, or until now while it runs; nothing before the start. In seconds.
std::optional<double> duration(const record&, wall_time now);

}  // namespace act::runs
