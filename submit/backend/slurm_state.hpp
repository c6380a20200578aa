#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "submit/runs/runs.hpp"

/// What is known of a Slurm job, and what a record says of it then. Pure; private to this folder.
namespace act::backend::slurm {

/// As squeue or sacct tell it.
struct job_info {
    /// "7"; of an array's task "7_3", and the number that it has by itself; of several tasks "7_[1-3]".
    std::array<std::string, 2> ids;
    std::string state;   ///< "PENDING", ...
    std::string reason;  ///< "Resources"; empty: none
    wall_time started{}, ended{};
    std::string nodes;
    std::optional<int> code;  ///< sacct only
};

/// What the job's script left in the run's folder (slurm_script.hpp), and the agent.
struct traces {
    std::optional<std::string> job;  ///< its id, when it has started
    wall_time started{}, ended{};
    std::string nodes;
    std::optional<int> code;   ///< when it has ended
    bool asked = false;        ///< to end: by scancel or at the time limit, whatever its code is then
    bool undelivered = false;  ///< the outputs did not all get to the store
    std::string failure;       ///< why the agent could not run the command
    std::string outputs;       ///< the folder of what is to be brought to the store; empty: none
    bool logs = false;         ///< they are to be brought there, too
};

inline constexpr const char* squeue_format = "%i|%A|%T|%r|%S|%e|%N";
inline constexpr const char* sacct_format = "JobID,JobIDRaw,State,ExitCode,Start,End,NodeList,Reason";
/// A line of either; times are seconds (SLURM_TIME_FORMAT=%s). Nothing when it is none.
std::optional<job_info> parse_squeue(std::string_view line);
std::optional<job_info> parse_sacct(std::string_view line);
/// The job of that id among those; null: it is not there. Of a task that is in no list, what is left of its
/// array: Slurm forgets at once a task that is cancelled by itself while it waits, and knows the array "7" as
/// cancelled when it was the last one.
const job_info* find_job(const std::vector<job_info>&, const std::string& id);
/// What became of a task that neither squeue nor sacct knows, though squeue knows others of its array, by all
/// that it says of that: it was cancelled by itself while it waited. One that began has left its trace, and
/// apply() goes by that. Nothing: Slurm does not know the array either.
std::optional<job_info> missing_task(const std::vector<job_info>& of_arrays, const std::string& id);
/// "7" of "7_3"; empty: it is no task.
std::string array_of(const std::string& id);

/// "JOB SECONDS NODES" and "CODE SECONDS", the latter also with the words "asked" and "undelivered".
void take_started(std::string_view text, traces&);
void take_ended(std::string_view text, traces&);

/// Do the traces alone tell how the run ended? A signal may have been the time limit's or scancel's.
bool settled(const traces&, const runs::record&);

/// Brings a record up to date. No job: Slurm does not know it (any more).
void apply(runs::record&, const std::optional<job_info>&, const traces&, wall_time now);

/// Marks a record whose run `act abort` ends: whatever signal it dies of then, it was cancelled.
void request_cancel(runs::record&);
bool cancel_requested(const runs::record&);

/// "waits for free nodes (Resources)"; empty for "None".
std::string reason_in_words(const std::string& reason);

}  // namespace act::backend::slurm
