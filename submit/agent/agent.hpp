#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/core/result.hpp"

/// What runs on a node: the same executable, as `act agent ...`. Single-threaded on purpose: it forks, execs
/// and passes signals on, so tools/act must call it before it makes a runtime.
namespace act::agent {

/// A data folder of the job: `name` under the code root becomes a link to `target`.
struct link {
    std::string name, target;
};

/// A folder of the run, outputs or logs, and the command that brings what is in it to the store. The command
/// is act's own and holds nothing secret; it is started in the project's root.
struct delivery {
    std::string folder;
    std::vector<std::string> command;
    /// Given where files grow at any time, so that none could be sent whole: they are copied here first, and
    /// the command sends the copy.
    std::string copy{};
};

/// What a node must have for a run to begin there; nothing by itself.
struct node_check {
    std::uint64_t disk = 0;  ///< bytes that are free where the work folder is, before it is set up
    int gpus = 0;            ///< that nvidia-smi shows
};

/// All that the agent needs to know, written to a file by the back end: nothing of it stands on a command
/// line.
struct spec {
    std::string run;      ///< ACT_RUN_ID
    std::string archive;  ///< HASH.zip on this node
    std::string hash;
    std::string work;  ///< the run's folder on this node: code/, lock, marker
    std::string logs;  ///< setup.txt goes here
    std::vector<link> links;
    std::map<std::string, std::string> env;
    std::vector<std::string> command;
    std::string compile_args;                 ///< one argument for compile.aml.sh; empty: none
    std::string interpreter_path = "python";  ///< runs pip; python3 where there is no "python"
    bool sudo = false;  ///< set up through sudo when not root, as ACT does on cluster nodes
    bool sleep_if_fail = false, sleep_if_succeed = false;
    /// The agent is started as it is on every node (srun, mpirun): each process writes its outputs into logs
    /// by its rank (stdout.txt and stderr.txt, stdout-N.txt and stderr-N.txt from rank 1 on), and of several
    /// the first that fails leaves its code in work/first-failure: its starter kills the others, and tells
    /// their code then.
    bool ranked = false;
    node_check check;
    int gpu_monitor_seconds = 0;  ///< between two lines of monitor.txt (gpu_monitor.hpp); 0: there is none
    int grace_seconds = 10;       ///< between SIGTERM and SIGKILL when the run is cancelled

    // What only a supervisor looks at.
    int nodes = 1, processes_per_node = 1;
    int gpus = 0;                        ///< of all nodes
    std::vector<std::string> gpu_names;  ///< this machine's; empty: none are known
    bool mpirun = true;                  ///< starts several processes, where it is installed
    std::string queue;       ///< folder of the places that runs wait for; empty: there is no need to
    std::string gpu_folder;  ///< where runs of this machine lock their GPUs
    int places = 0;
    std::string project;
    std::vector<delivery> deliveries;
    int delivery_seconds = 30;  ///< at least, between two deliveries while the command runs

    // What only a run in the foreground looks at.
    bool foreground = false;           ///< what the set-up says goes to standard error
    bool keep = false;                 ///< the work folder stays
    std::vector<std::string> outputs;  ///< folders that are named at the end; empty ones go
    /// Of a run in a container: the command that starts an agent on work/spec.json there, and the
    /// container's name. Variables of `carried` are not in that file: the container gets them from the
    /// environment of its command.
    std::vector<std::string> container, carried;
    std::string container_name;

    int processes() const { return nodes * processes_per_node; }
};

std::string to_text(const spec&);
result<void> write_spec(const std::string& path, const spec&);
result<spec> read_spec(const std::string& path);

/// Exit codes of a run that did not get as far as its own command; after a signal N it is 128 + N.
inline constexpr int exit_node_unfit = 122;  ///< node_check; no usual program has this code
inline constexpr int exit_setup_failed = 125;
inline constexpr int exit_not_executable = 126;
inline constexpr int exit_command_not_found = 127;

/// Sets the work folder up, once for all processes of the run that see it, on one node or several: takes the
/// lock, unpacks aside, verifies, renames, links the data folders, runs requirements.txt and compile.aml.sh,
/// and leaves a marker. What was half made by a killed process is made anew, when all that it started has
/// ended. Its output goes to logs/setup.txt. Where the system's Python
/// is "externally managed" (Debian 12), the requirements go into work/venv, which sees the system's packages.
/// Returns the code root. kind::unavailable: there is too little space (node_check); the next process looks
/// again.
result<std::string> set_up(const spec&);

/// A look at the GPUs (node_check), set_up, then the command takes the process's place in the code root; so
/// it returns only when that failed (the exit code; the reason is on stderr and in work/failure.txt), or,
/// with a sleep option, when the command has ended. The command sees ACT_RUN_ID, ACT_CODE_ROOT, its rank
/// (ranks.hpp) and the spec's env, which is stronger.
int run(const spec&);

/// `act agent ARGS...`: "run SPEC"; "foreground SPEC" and, in a container, "contained SPEC"
/// (foreground.hpp); "deliver SPEC", which brings its outputs and logs to the store;
/// "deliver-meanwhile SPEC STARTER", which does so again and again until it is ended (delivery.hpp), as by
/// "end-meanwhile PID" from the same script; "watch-gpus ..." (gpu_monitor.hpp); "rank SPEC", as "run" as a
/// process of a local run that mpirun has started (launch.hpp); or "supervise SPEC STATE_FOLDER"
/// (supervise.hpp). Returns the exit code.
int entry(const std::vector<std::string>& arguments);

}  // namespace act::agent
