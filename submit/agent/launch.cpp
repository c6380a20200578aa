#include "submit/agent/launch.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/core/text.hpp"
#include "engine/file/file.hpp"
#include "engine/file/program.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/ranked.hpp"
#include "submit/agent/supervise.hpp"

namespace act::agent {
namespace {

constexpr const char* address = "127.0.0.1";

std::string variable(const char* name) {
    const char* value = ::getenv(name);
    return value ? value : "";
}

/// A port that nobody listens on; it is free again until rank 0 does.
int free_port() {
    file::descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = ::inet_addr(address);
    socklen_t length = sizeof at;
    auto* name = reinterpret_cast<sockaddr*>(&at);
    if (!fd || ::bind(fd.get(), name, length) != 0 || ::getsockname(fd.get(), name, &length) != 0)
        return 29500;
    return ntohs(at.sin_port);
}

/// In the child: should the supervisor be killed, nobody would wait for the command nor could cancel it.
void belong_to(pid_t supervisor) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != supervisor) ::_exit(exit_setup_failed);
    ::setpgid(0, 0);
    reset_signals();
}

result<launched> launch_each(const spec& s) {
    launched out;
    const pid_t me = ::getpid();
    for (int rank = 0; rank < s.processes(); ++rank) {
        // Here, where a failure can be told.
        pid_t child = ::fork();
        if (child < 0) {
            auto failed = error::from_errno(errno, "cannot start process " + std::to_string(rank));
            for (const auto& [pid, started] : out) ::kill(pid, SIGKILL);
            return failed;
        }
        if (child == 0) {
            belong_to(me);
            if (auto opened = write_logs_of(s, rank); !opened) ::_exit(exit_setup_failed);
            ::_exit(become(s, rank));
        }
        out[child] = rank;
    }
    return out;
}

result<launched> launch_mpirun(const spec& s) {
    // The environment in it may hold secrets: the ranks read it out of this process's memory, not from disk.
    int text = ::memfd_create("spec", MFD_CLOEXEC);
    if (text < 0) return error::from_errno(errno, "cannot keep the specification in memory");
    const std::string content = to_text(s);
    ACT_TRY_VOID(file::write_at(text, std::as_bytes(std::span(content)), 0, "the specification"));
    const pid_t me = ::getpid();
    std::string spec_path = "/proc/" + std::to_string(me) + "/fd/" + std::to_string(text);
    // By its name another version may be there by now, or none.
    const std::string self = "/proc/" + std::to_string(me) + "/exe";
    pid_t child = ::fork();
    if (child < 0) return error::from_errno(errno, "cannot start mpirun");
    if (child != 0) return launched{{child, -1}};

    belong_to(me);
    // What mpirun itself says stands with what rank 0 says.
    if (auto opened = write_logs_of(s, 0); !opened) ::_exit(exit_setup_failed);
    // This machine stands for all nodes, so there are more processes than cores; and root may run jobs in
    // containers. Variables rather than options: other makes of mpirun pass over them.
    for (const char* name :
         {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"})
        ::setenv(name, "1", 0);
    ::setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 0);
    ::setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 0);
    exec_command({"mpirun", "-n", std::to_string(s.processes()), self, "agent", "rank", spec_path});
    std::fprintf(stderr, "act agent: cannot run mpirun: %s\n", std::strerror(errno));
    ::_exit(exit_setup_failed);
}

}  // namespace

result<std::vector<std::string>> list_gpus(const until& u, steady::duration longest) {
    if (auto given = split(variable("CUDA_VISIBLE_DEVICES"), ','); !given.empty()) return given;
    ACT_TRY(const std::size_t count, count_gpus(u, longest));
    std::vector<std::string> out(count);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::to_string(i);
    return out;
}

result<std::size_t> count_gpus(const until& u, steady::duration longest) {
    // A broken driver may keep it for ever.
    auto said = file::run_program({"nvidia-smi", "-L"}, {}, u.within(longest));
    if (!said && said.error().kind() == kind::not_found) return std::size_t{0};
    if (!said) return error(said.error()).in("the GPUs of this machine");
    const auto lines = split(said->out, '\n');
    const auto count = std::count_if(lines.begin(), lines.end(),
                                     [](const std::string& line) { return line.starts_with("GPU "); });
    // One that is lost makes it fail, but the others are told; a machine that has a driver and no GPU says
    // so.
    if (count == 0 && said->code != 0 && said->err.find("No devices") == std::string::npos &&
        said->out.find("No devices") == std::string::npos) {
        return error(kind::unavailable,
                     "the GPUs of this machine: `nvidia-smi -L` ended with code " +
                         std::to_string(said->code) + ": " + (said->err.empty() ? said->out : said->err),
                     "mend the driver, or name the GPUs in CUDA_VISIBLE_DEVICES");
    }
    return static_cast<std::size_t>(count);
}

void prepare_launch(const std::vector<std::string>& gpus) {
    ::setenv("MASTER_ADDR", address, 1);
    ::setenv("MASTER_PORT", std::to_string(free_port()).c_str(), 1);
    if (gpus.empty())
        ::unsetenv(gpus_variable);
    else
        ::setenv(gpus_variable, join(gpus, ",").c_str(), 1);
}

environment rank_environment(const spec& s, int rank) {
    ranks r{.rank = rank, .size = s.processes()};
    r.local_rank = rank % s.processes_per_node, r.local_size = s.processes_per_node;
    r.node = rank / s.processes_per_node;
    r.master = variable("MASTER_ADDR");
    const std::string port = variable("MASTER_PORT");
    r.port = std::atoi(port.c_str());
    environment out = rank_variables(r, s.run);
    // As Azure Batch and Batch AI called them.
    out["AZ_BATCHAI_TASK_INDEX"] = std::to_string(rank);
    out["AZ_BATCHAI_JOB_MASTER_NODE_IP"] = r.master;
    out["AZ_BATCHAI_PYTORCH_INIT_METHOD"] = "tcp://" + r.master + ":" + port;
    out["AZ_BATCH_MASTER_NODE"] = r.master + ":" + port;
    out["AZ_BATCH_IS_CURRENT_NODE_MASTER"] = r.node == 0 ? "true" : "false";
    for (int n = 0; n < s.nodes; ++n) {
        out["AZ_BATCH_HOST_LIST"] += (n ? "," : "") + r.master;
        out["AZ_BATCH_NODE_LIST"] += (n ? ";" : "") + r.master;
    }
    auto gpus = split(variable(gpus_variable), ',');
    if (gpus.empty()) return out;
    std::vector<std::string> mine;
    const int share = std::max(1, s.gpus / s.processes());
    for (int i = 0; i < share && i < static_cast<int>(gpus.size()); ++i)
        mine.push_back(gpus[static_cast<std::size_t>(rank * share + i) % gpus.size()]);
    out["CUDA_VISIBLE_DEVICES"] = join(mine, ",");
    return out;
}

int become(const spec& s, int rank) {
    for (const auto& [name, value] : rank_environment(s, rank)) ::setenv(name.c_str(), value.c_str(), 1);
    return run(s);
}

result<launched> launch(const spec& s) {
    return s.processes() > 1 && s.mpirun && file::on_path("mpirun") ? launch_mpirun(s) : launch_each(s);
}

int run_rank_of_mpirun(const spec& s) {
    // Open MPI, then what MPICH and its kin have.
    std::string rank;
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
        if (rank.empty()) rank = variable(name);
    }
    if (rank.empty() || rank.find_first_not_of("0123456789") != std::string::npos) {
        std::fprintf(stderr,
                     "act agent: mpirun does not say which rank this is; `local: {mpirun: false}` in "
                     "the cluster file does without it\n");
        return exit_setup_failed;
    }
    // Killed, mpirun could not end it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int number = std::atoi(rank.c_str());
    if (auto opened = write_logs_of(s, number); !opened) {
        std::fprintf(stderr, "act agent: %s\n", opened.error().message().c_str());
        return exit_setup_failed;
    }
    return become(s, number);
}

}  // namespace act::agent
