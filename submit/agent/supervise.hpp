#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/async/stop.hpp"
#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

/// The one process that stands between a local run and the record: it has no terminal, waits for the agent,
/// and writes the outcome. SIGTERM to it cancels the run: the whole tree gets SIGTERM, and what is left after
/// the grace, SIGKILL.
namespace act::agent {

/// Starts `executable agent supervise SPEC STATE_FOLDER` in a session of its own and returns when it has
/// taken the run over (its pid is in the record then). Safe in a process with threads.
result<void> start_supervisor(const std::string& executable, const std::string& spec_file,
                              const std::string& state_folder);

/// The GPUs of this machine that runs are spread over: those that this process was given, else all that the
/// driver lists. None where there is no driver; a driver that fails, or needs longer, is an error. Blocks;
/// safe in a process with threads.
result<std::vector<std::string>> list_gpus(const until&, steady::duration longest = std::chrono::seconds(20));

/// How many the driver lists within that time, whatever this process was given. Likewise.
result<std::size_t> count_gpus(const until&, steady::duration longest = std::chrono::seconds(20));

/// In a record's details: are outputs and logs in the store, as they should be? "no" from before the start,
/// "yes" from the outcome on. Nothing: there are none, or the build did not note it.
inline constexpr const char* delivered_detail = "delivered";

/// The supervisor itself; called by entry().
int supervise(const std::string& spec_file, const std::string& state_folder);

/// This machine, as records name it: of another's processes nothing is known here.
std::string host_name();

/// Start time of a living process in clock ticks since boot; nothing when there is no such process, or only
/// its remains.
std::optional<std::uint64_t> process_started(std::int64_t pid);

/// This process, for those who ask later whether it lives yet.
std::string own_identity();
/// The same for people: "process 12 on host".
std::string identity_in_words(std::string_view identity);
/// Nothing where that cannot be told: it is on another machine, or no identity.
std::optional<bool> lives(std::string_view identity);

/// The boot that start times count from; empty where the kernel does not tell.
std::string boot_id();
/// Is it the same process yet? An empty boot is not compared.
bool lives(std::int64_t pid, std::uint64_t started, const std::string& boot);
/// Sends `signal` to the process of this pid and start time, never to another that has the pid by now.
/// False: it is gone.
result<bool> signal_process(std::int64_t pid, std::uint64_t started, int signal);
/// Ends at once whatever of a run lives without its supervisor: all processes, but this one, that were
/// started with its id in ACT_RUN_ID. (The kernel ends the command itself, but not what that has started.)
void end_left_behind(const std::string& run);

}  // namespace act::agent
