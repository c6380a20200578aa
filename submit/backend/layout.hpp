#pragma once

#include <optional>

#include "submit/cluster/cluster.hpp"

namespace act::backend {

/// How many processes a job has, and on how many nodes.
struct layout {
    int gpus = 0;  ///< of all nodes; 0: the job asks for none
    int nodes = 1;
    int processes_per_node = 1;
    int processes() const { return nodes * processes_per_node; }
    /// The GPUs that each node gives to the job.
    int gpus_per_node() const { return gpus / nodes; }
    friend bool operator==(const layout&, const layout&) = default;
};

/// ACT's table (act-behaviour.md 6.1): up to gpu_per_node GPUs are one node with a process for each, more are
/// whole nodes. process_count_per_node changes the processes of a node, not the nodes; without multi_process
/// a node has one. `asked` is -n; without it and num_gpu a job asks for one node's GPUs, and on this machine
/// for none. Where gpu_per_node is 0 there are no GPUs, and the number counts processes. kind::usage for what
/// no whole nodes make.
result<layout> layout_of(const cluster::config&, std::optional<int> asked, bool single);

}  // namespace act::backend
