#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

/// Which of a job's processes this one is, as whatever started it says.
namespace act::agent {

struct ranks {
    int rank = 0, size = 1;              ///< of all processes
    int local_rank = 0, local_size = 1;  ///< of those on this node
    int node = 0;                        ///< number of this node
    std::string master;                  ///< name or address of rank 0's node; empty: not known
    int port = 0;                        ///< where it listens; 0: one made of the run's id
};

using environment = std::map<std::string, std::string>;

/// What MPI's starter says (Open MPI's, else that of MPICH and Intel MPI), else Slurm's step, else the
/// variables of Azure ML and Batch. Nothing when none of them started this process.
std::optional<ranks> find_ranks(const environment&);

/// The variables that programs read: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, NODE_RANK, MASTER_ADDR,
/// MASTER_PORT, and each with ACT_ before it. A port made of the run's id is one that all processes
/// agree on, and mostly differs between two jobs on a node.
environment rank_variables(const ranks&, std::string_view run);

/// The first name of a list as Slurm writes them: "n[003-7,9],m1" is "n003".
std::string first_host(std::string_view hosts);
/// Of "4(x2),3", the number that stands for the node.
std::optional<int> tasks_of_node(std::string_view tasks_per_node, int node);

}  // namespace act::agent
