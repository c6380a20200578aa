#include "submit/agent/ranks.hpp"

#include <charconv>
#include <cstdint>

namespace act::agent {
namespace {

std::optional<int> number(std::string_view text) {
    int n = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failed != std::errc() || end != text.data() + text.size() || n < 0) return std::nullopt;
    return n;
}

class variables {
public:
    explicit variables(const environment& e) : all_(e) {}
    std::string_view text(const char* name) const {
        auto at = all_.find(name);
        return at == all_.end() ? std::string_view() : std::string_view(at->second);
    }
    std::optional<int> value(const char* name) const { return number(text(name)); }

private:
    const environment& all_;
};

/// The part of a list before the separator.
std::string first_of(std::string_view list, char separator) {
    return std::string(list.substr(0, list.find(separator)));
}

/// "10.0.0.4:6000"; an IPv6 address has more than one colon.
std::string without_port(std::string_view address) {
    auto colon = address.find(':');
    if (colon == std::string_view::npos || address.find(':', colon + 1) != std::string_view::npos)
        return std::string(address);
    return std::string(address.substr(0, colon));
}

/// As the platforms below say it. Batch's own variables first, as scripts of ACT's time do.
std::string master_of_platform(const variables& v) {
    if (auto node = v.text("AZ_BATCH_MASTER_NODE"); !node.empty()) return without_port(node);
    if (auto hosts = v.text("AZ_BATCH_HOST_LIST"); !hosts.empty()) return first_of(hosts, ',');
    if (auto node = v.text("AZ_BATCHAI_JOB_MASTER_NODE_IP"); !node.empty()) return std::string(node);
    if (auto node = v.text("MASTER_IP"); !node.empty()) return std::string(node);
    if (auto hosts = v.text("SLURM_STEP_NODELIST"); !hosts.empty()) return first_host(hosts);
    if (auto hosts = v.text("SLURM_JOB_NODELIST"); !hosts.empty()) return first_host(hosts);
    // "1234.0;tcp://10.0.0.4,172.17.0.1:41235": where mpirun is, on rank 0's node as a rule.
    if (auto uri = v.text("OMPI_MCA_orte_hnp_uri"); !uri.empty()) {
        auto at = uri.find("tcp://");
        if (at != std::string_view::npos) return first_of(first_of(uri.substr(at + 6), ','), ':');
    }
    return {};
}

/// MPI's starters do not number the nodes: they fill one after the other.
std::optional<ranks> of_mpi(const variables& v, const char* rank, const char* size, const char* local_rank,
                            const char* local_size) {
    auto r = v.value(rank), n = v.value(size);
    if (!r || !n || *n < 1) return std::nullopt;
    ranks out{.rank = *r, .size = *n};
    out.local_rank = v.value(local_rank).value_or(*r);
    out.local_size = std::max(1, v.value(local_size).value_or(*n));
    out.node = out.rank / out.local_size;
    out.master = out.local_size == out.size ? "127.0.0.1" : master_of_platform(v);
    return out;
}

std::optional<ranks> of_slurm(const variables& v) {
    // A batch script has SLURM_PROCID too, and so has all that it starts; only srun's tasks are of a step.
    auto r = v.value("SLURM_PROCID"), n = v.value("SLURM_STEP_NUM_TASKS");
    if (!r || !n || *n < 1) return std::nullopt;
    ranks out{.rank = *r, .size = *n};
    out.local_rank = v.value("SLURM_LOCALID").value_or(0);
    out.node = v.value("SLURM_NODEID").value_or(0);
    out.local_size = tasks_of_node(v.text("SLURM_STEP_TASKS_PER_NODE"), out.node).value_or(1);
    auto nodes = v.value("SLURM_STEP_NUM_NODES");
    out.master = nodes && *nodes == 1 ? "127.0.0.1" : master_of_platform(v);
    return out;
}

/// Azure ML sets the usual names itself where there is no MPI; Batch numbers the nodes only.
std::optional<ranks> of_azure(const variables& v) {
    if (v.text("AZUREML_RUN_ID").empty() && v.text("AZ_BATCH_JOB_ID").empty()) return std::nullopt;
    ranks out;
    auto r = v.value("RANK"), n = v.value("WORLD_SIZE");
    if (r && n && *n >= 1) {
        out.rank = *r, out.size = *n;
        out.local_rank = v.value("LOCAL_RANK").value_or(0);
        out.local_size = std::max(1, v.value("LOCAL_WORLD_SIZE").value_or(1));
        out.node = v.value("NODE_RANK").value_or(out.rank / out.local_size);
    }
    std::string_view given = v.text("MASTER_ADDR");
    out.master = given.empty() ? master_of_platform(v) : std::string(given);
    if (out.master.empty() && out.size == 1) out.master = "127.0.0.1";
    return out;
}

int port_of(std::string_view run) {
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (unsigned char c : run) hash = (hash ^ c) * 16777619u;
    // Below what the kernel hands out by itself (32768 and up).
    return 20000 + static_cast<int>(hash % 10000);
}

}  // namespace

std::string first_host(std::string_view hosts) {
    std::string out;
    bool inside = false, passing = false;  // in brackets; behind their first number
    for (char c : hosts) {
        if (!inside && c == ',') break;
        if (c == '[') {
            inside = true, passing = false;
        } else if (c == ']') {
            inside = false;
        } else if (inside && (c == '-' || c == ',')) {
            passing = true;
        } else if (!inside || !passing) {
            out += c;
        }
    }
    return out;
}

std::optional<int> tasks_of_node(std::string_view list, int node) {
    while (!list.empty()) {
        std::string_view part = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), part.size() + 1));
        auto times = part.find("(x");
        auto count = number(part.substr(0, times));
        int nodes = 1;
        if (times != std::string_view::npos && part.ends_with(')'))
            nodes = number(part.substr(times + 2, part.size() - times - 3)).value_or(1);
        if (!count) return std::nullopt;
        if (node < nodes) return count;
        node -= nodes;
    }
    return std::nullopt;
}

std::optional<ranks> find_ranks(const environment& e) {
    const variables v(e);
    if (auto r = of_mpi(v, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                        "OMPI_COMM_WORLD_LOCAL_SIZE"))
        return r;
    // Slurm sets PMI_* too where it stands in for MPI's starter, and knows more.
    if (auto r = of_slurm(v)) return r;
    if (auto r = of_mpi(v, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS")) return r;
    return of_azure(v);
}

environment rank_variables(const ranks& r, std::string_view run) {
    environment out;
    auto set = [&](const std::string& name, const std::string& value) {
        out[name] = value;
        out["ACT_" + name] = value;
    };
    set("RANK", std::to_string(r.rank));
    set("WORLD_SIZE", std::to_string(r.size));
    set("LOCAL_RANK", std::to_string(r.local_rank));
    set("LOCAL_WORLD_SIZE", std::to_string(r.local_size));
    set("NODE_RANK", std::to_string(r.node));
    if (!r.master.empty()) set("MASTER_ADDR", r.master);
    set("MASTER_PORT", std::to_string(r.port > 0 ? r.port : port_of(run)));
    return out;
}

}  // namespace act::agent
