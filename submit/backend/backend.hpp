#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/async/runtime.hpp"
#include "submit/backend/layout.hpp"
#include "submit/cluster/cluster.hpp"
#include "submit/runs/runs.hpp"

/// Where jobs run. A back end only translates: submit, status, logs, cancel. Policy (retries, sweeps) stays
/// above.
namespace act::backend {

/// How a folder of a run, with its outputs or its logs, gets to the store.
struct delivery {
    std::vector<std::string> command;  ///< to be run, again and again, where the folder is
    std::string url;  ///< where it will be, without a credential; empty where there is no lasting address
};

/// Moves data between the store and this machine; given by whoever has a client (tools/act, by
/// ops::download and `act cp`).
class data_source {
public:
    virtual ~data_source() = default;
    enum class fetched { nothing, unchanged, changed };
    /// The blob or tree at `from.blob_path` to the absolute path `to`. `nothing` is stored there, or all of
    /// it was here already (`unchanged`).
    virtual task<result<fetched>> fetch(cluster::location from, std::string to, until) = 0;
    /// What brings what is in the folder `from` to that place.
    virtual result<delivery> deliver(const cluster::location& to, const std::string& from) = 0;
};

/// What the back ends work with. What is referred to outlives the driver.
struct services {
    act::runtime& runtime;
    runs::journal& journal;       ///< one driver at a time uses it
    data_source* data = nullptr;  ///< null: data that is not on this machine is an error
    std::map<std::string, std::string> environment;
    std::string executable;  ///< this program, /proc/self/exe as a rule: it is also the agent
    /// A line for people ("data/x is not here: downloading it"); may be empty.
    std::function<void(std::string_view)> note;
};

struct job {
    std::vector<std::string> command;  ///< exact; not empty; relative paths in it count from the code root
    std::string code;                  ///< hash
    std::string archive;               ///< HASH.zip on this machine
    std::map<std::string, std::string> env;  ///< on top of the cluster's
    backend::layout layout;
    std::string name;                       ///< for people; empty: none
    std::optional<std::string> experiment;  ///< instead of the cluster's
    std::optional<int> asked_gpus;          ///< -n, as it was given: for a resubmission
    bool single = false;                    ///< likewise
    bool hold = false;                      ///< keep the node after a failure
    std::string group;                      ///< of a sweep: what its runs have in common; empty: no sweep
    std::string point;                      ///< of a sweep: "lr=0.1 seed=2"
    std::map<std::string, std::string> details;  ///< for the record, which has them from its beginning
};

/// What the records' details tell of a job.
namespace detail {
/// Names of variables of --env, one a line, whose values no record keeps.
inline constexpr const char* env_not_kept = "env_not_kept";
/// The queue on this machine that the run waits in, and how many of it may be at work. A job with these
/// details waits there, too.
inline constexpr const char* queue = "queue";
inline constexpr const char* places = "places";
/// What of the cache of fetched data it uses (data_cache.hpp), a line each: that stays until it has ended.
inline constexpr const char* data = "data";
/// The login node, user@host, by which the run's cluster is asked.
inline constexpr const char* slurm_ssh = "slurm.ssh";
}  // namespace detail

enum class stream { out, err };

/// How far somebody has read a run's logs; start with an empty one.
struct log_position {
    std::map<std::string, std::uint64_t> offsets;  ///< by file
};

/// Where what a job writes goes; the pieces live as long as the call.
using log_sink = std::function<void(stream, std::string_view)>;
/// Passes on what a run has written since `position`, as driver::logs does.
using log_reader = std::function<task<result<void>>(const runs::record&, log_position&, log_sink, until)>;

class driver {
public:
    virtual ~driver() = default;
    /// Starts the job; the record is in the journal then, whatever comes after.
    task<result<runs::record>> submit(job, until);
    /// Starts the jobs of a sweep, at most so many at a time (0: as many as there is room for); the others
    /// wait. It ends at the first that cannot be started; the journal has those before.
    virtual task<result<std::vector<runs::record>>> submit_all(std::vector<job>, unsigned max_parallel,
                                                               until) = 0;
    /// Looks at the back end and brings the record up to date, in the journal too.
    virtual task<result<runs::record>> status(runs::record, until) = 0;
    /// The same for many, an answer for each, in their order. By itself one look after the other; a back end
    /// that can be asked about all of them at once is asked once.
    virtual task<std::vector<result<runs::record>>> status_all(std::vector<runs::record>, until);
    /// Passes what is new since `position` to `sink`, in pieces; `position` outlives the call and moves on.
    virtual task<result<void>> logs(runs::record, log_position& position, log_sink sink, until) = 0;
    /// Ends the run and all its processes; the record says canceled then. No error when it had ended already.
    virtual task<result<runs::record>> cancel(runs::record, until) = 0;
};

/// What a record tells of its job: the command, its code, its layout and all that a resubmission needs.
void describe(const job&, runs::record&);

/// The driver of a platform. kind::unsupported, with what to use instead, for those that there is none for.
result<std::unique_ptr<driver>> make_driver(const cluster::config&, services);
/// Whether there is one for it: kind::unsupported, with what to use, where there is none.
result<void> check_platform(const cluster::config&);
/// The same for a run of the past: by its record, without a cluster file.
result<std::unique_ptr<driver>> make_driver(const runs::record&, services);

/// Where the cluster file has the logs of runs brought, each run's into a folder of its own there
/// (std_out_err_path_prefix), as a path of the project; empty where it does not say. kind::configuration: it
/// is a place that is not mapped.
result<std::string> logs_in_store(const cluster::config&);

/// Follows a run to its end: streams the logs to `sink` (when given) and returns the final record. A stop
/// ends the following, not the run.
task<result<runs::record>> follow(driver&, runs::record, log_sink sink, until);
/// The same by other logs than the driver's.
task<result<runs::record>> follow(driver&, runs::record, log_reader, log_sink sink, until);
/// The logs of one process that are on this machine: drivers tell of the first one alone.
log_reader logs_of_rank(runtime&, unsigned rank);

/// The exit code of `act wait` and `act submit --wait`: the job's own; 1 for failures without one, 130 when
/// cancelled.
int exit_code_of(const runs::record&);

}  // namespace act::backend
