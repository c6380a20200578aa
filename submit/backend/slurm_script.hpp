#pragma once

#include <string>
#include <vector>

#include "submit/backend/layout.hpp"

/// The batch script of a job, or of an array of jobs. Private to this folder.
namespace act::backend::slurm {

/// What the cluster's `slurm:` says; empty: not said.
struct settings {
    std::string partition, account, time, qos, reservation, constraint, mem;
    std::string gres;  ///< "gpu:a100" gives the GPUs a type, "gpu:a100:2" a number too; others are added
    std::vector<std::string> sbatch_options;  ///< each one argument, behind all others, so they win
    std::string mpi;                          ///< srun --mpi
    std::string container_image, container_mounts;
    std::string ssh;  ///< user@host of a login node; empty: the programs are here
};

/// kind::configuration for what cannot stand in a script, such as a line feed.
result<settings> settings_of(const cluster::config&);

struct script {
    slurm::settings settings;
    backend::layout layout;
    std::string name;                 ///< of the job, for people
    std::string key;                  ///< its comment, by which it can be found again
    std::string agent;                ///< the executable, where the nodes see it
    std::vector<std::string> runs;    ///< the run's folder; several make an array
    unsigned max_parallel = 0;        ///< of an array; 0: no limit
    std::string after;                ///< id of a job that has to end before; empty: none
    bool delivers = false;            ///< there are outputs or logs to be brought to the store
    std::vector<std::string> mounts;  ///< folders that a container has to see
};

/// The script itself, in the run's folder, of an array in the first one's.
inline constexpr const char* script_file = "job.sh";
/// The files of a run's folder that its script writes, each in one piece: "JOB SECONDS NODES" when it starts,
/// "CODE SECONDS" when it has ended, with " asked" where it had SIGTERM before.
inline constexpr const char* started_file = "started";
inline constexpr const char* ended_file = "ended";

std::string text_of(const script&);

/// --gres: the GPUs of a node, with what the cluster file says; empty: none.
std::string gres_of(const std::string& given, int gpus_per_node);

/// A word as a POSIX shell reads it.
std::string shell_word(const std::string&);

}  // namespace act::backend::slurm
