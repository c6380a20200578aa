#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "submit/agent/agent.hpp"

/// What a node's GPUs do while a run is on it: a line now and then in the run's logs, from a process of its
/// own beside the command, which ends with it. Private to this folder.
namespace act::agent {

/// Starts it, once a node, for the time that this process and what takes its place live: the log is
/// monitor.txt, of the node with that number monitor-N.txt. `gpus` are the run's, as nvidia-smi names them;
/// none: all that it shows. Does nothing where the spec asks for none, or nvidia-smi is not installed. A
/// monitor that cannot be started is no reason to fail a run.
void start_gpu_monitor(const spec&, int node, const std::string& gpus);

/// `act agent watch-gpus PID STARTED SECONDS WORK LOG [GPUS]`: the monitor itself.
int watch_gpus(const std::vector<std::string>& arguments);

/// What nvidia-smi says of memory and utilisation (in MiB and %, a GPU a line, "97, 31012, 40960"), as the
/// line of the log has it: "gpu_memory 30.3 of 40.0 GiB gpu_util 97%". Utilisation comes last: the error
/// class Hang goes by it (runs/error_rules). A value that the driver does not tell is "?".
std::string gpu_line(std::string_view said);

}  // namespace act::agent
