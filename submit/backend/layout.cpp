#include "submit/backend/layout.hpp"

#include <fmt/format.h>

namespace act::backend {
namespace {

result<layout> of_whole_nodes(int count, int per_node, const char* what, const char* key) {
    if (count > per_node && count % per_node != 0) {
        return error(kind::usage,
                     fmt::format("{} {} do not fill nodes of {} ({})", count, what, per_node, key),
                     fmt::format("give -n {} or -n {}", count / per_node * per_node,
                                 (count / per_node + 1) * per_node));
    }
    layout out;
    out.nodes = std::max(1, count / per_node);
    out.processes_per_node = std::min(count, per_node);
    return out;
}

result<layout> without_gpus(const cluster::config& c, std::optional<int> asked) {
    const int processes = asked.value_or(c.process_count_per_node.value_or(1));
    if (processes == 0) return layout();
    return of_whole_nodes(processes, c.process_count_per_node.value_or(processes), "processes",
                          "process_count_per_node");
}

result<layout> with_gpus(const cluster::config& c, std::optional<int> asked) {
    const int gpus = asked.value_or(c.platform == "local" ? 0 : c.gpu_per_node);
    layout out;
    if (gpus > 0) {
        ACT_TRY(out, of_whole_nodes(gpus, c.gpu_per_node, "GPUs", "gpu_per_node"));
        out.gpus = gpus;
    }
    if (c.process_count_per_node) out.processes_per_node = *c.process_count_per_node;
    return out;
}

}  // namespace

result<layout> layout_of(const cluster::config& c, std::optional<int> asked, bool single) {
    if (!asked) asked = c.num_gpu;
    for (const auto& [key, value] :
         {std::pair("-n", asked), std::pair("process_count_per_node", c.process_count_per_node)}) {
        if (value && *value < (key[0] == '-' ? 0 : 1))
            return error(kind::usage, fmt::format("{} cannot be {}", key, *value),
                         "give a number of processes");
    }
    ACT_TRY(layout out, c.gpu_per_node > 0 ? with_gpus(c, asked) : without_gpus(c, asked));
    if (single || !c.multi_process) out.processes_per_node = 1;
    return out;
}

}  // namespace act::backend
