#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
/// driver lists, which may take so long. None where none are known. Blocks; safe in a process with threads.
std::vector<std::string> list_gpus(steady::duration longest = std::chrono::seconds(20));

/// How many the driver lists within that time, whatever this process was given. Likewise.
std::size_t count_gpus(steady::duration longest = std::chrono::seconds(20));

/// The supervisor itself; called by entry().
int supervise(const std::string& spec_file, const std::string& state_folder);

/// This machine, as records name it: of another's processes nothing is known here.
std::string host_name();

/// Start time of a living process in clock ticks since boot; nothing when there is no such process, or only
/// its remains.
std::optional<std::uint64_t> process_started(std::int64_t pid);

/// Sends `signal` to the process of this pid and start time, never to another that has the pid by now.
/// False: it is gone.
result<bool> signal_process(std::int64_t pid, std::uint64_t started, int signal);

}  // namespace act::agent
