#include <array>
#include <thread>

#include <fmt/format.h>

#include "engine/file/program.hpp"
#include "submit/agent/supervise.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/run_query.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::array states = {runs::state::queued, runs::state::running, runs::state::completed,
                               runs::state::failed, runs::state::canceled};

struct tally {
    std::string platform;
    std::map<runs::state, std::uint64_t> runs;
    std::uint64_t gpus = 0;  ///< of those at work
};

void tell_machine(invocation& call) {
    const unsigned cores = std::thread::hardware_concurrency();
    const auto found = agent::list_gpus(until{.stop = call.world.stop.token()}, 5s);
    if (!found) tell(call, found.error());
    const std::uint64_t gpus = found ? found->size() : 0;
    if (call.given.json) {
        json_line line("machine");
        line.add("cores", cores).add("gpus", gpus);
        call.screen.result(line.text());
    } else {
        call.screen.result(fmt::format("this machine: {}, {}", counted(cores, "core"), counted(gpus, "GPU")));
    }
}

// Slurm's own words on the nodes of the run's cluster; a site without its programs is none of ours.
void tell_slurm(invocation& call, const runs::record& r) {
    const until u = until{.stop = call.world.stop.token()}.within(5s);
    // By env, which looks for the program where this call's environment says.
    auto command = at_login_node(r, {"sinfo", "--noheader", "--format=%P|%D|%T|%C|%G"}, false);
    command.insert(command.begin(), "env");
    auto said = file::run_program(command, {.environment = call.world.environment}, u);
    if (!said || said->code != 0) return;
    std::string_view rest = said->out;
    while (!rest.empty()) {
        const std::string_view row = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), row.size() + 1));
        std::array<std::string, 5> cell;
        std::size_t at = 0;
        for (char c : row) {
            if (c == '|' && at + 1 < cell.size()) {
                ++at;
            } else {
                cell[at] += c;
            }
        }
        if (call.given.json) {
            json_line line("partition");
            line.add("cluster", r.cluster).add("name", cell[0]).add("nodes", cell[1]).add("state", cell[2]);
            line.add("cpus", cell[3]).add("gres", cell[4]);
            call.screen.result(line.text());
        } else {
            call.screen.result(
                fmt::format("{}: partition {}: {} {} nodes, CPUs (allocated/idle/other/total) {}, {}",
                            r.cluster, cell[0], cell[1], cell[2], cell[3], cell[4]));
        }
    }
}

void tell(invocation& call, const std::map<std::string, tally>& clusters) {
    if (!call.given.json && !clusters.empty())
        call.screen.result(fmt::format("{:<16} {:>8} {:>8} {:>10} {:>8} {:>9} {:>6}", "cluster", "queued",
                                       "running", "completed", "failed", "canceled", "gpus"));
    for (const auto& [name, t] : clusters) {
        auto count = [&](runs::state s) {
            auto at = t.runs.find(s);
            return at == t.runs.end() ? std::uint64_t(0) : at->second;
        };
        if (call.given.json) {
            json_line line("cluster");
            line.add("name", name).add("platform", t.platform);
            for (auto s : states) line.add(runs::to_string(s), count(s));
            line.add("gpus", t.gpus);
            call.screen.result(line.text());
            continue;
        }
        call.screen.result(fmt::format("{:<16} {:>8} {:>8} {:>10} {:>8} {:>9} {:>6}", name, count(states[0]),
                                       count(states[1]), count(states[2]), count(states[3]), count(states[4]),
                                       t.gpus));
    }
}

int run(invocation& call) {
    auto all = newest_runs(call);
    if (!all) return give_up(call, all.error());
    std::map<std::string, tally> clusters;
    // One for each login node.
    std::map<std::string, const runs::record*> slurm;
    for (const auto& r : *all) {
        tally& t = clusters[r.cluster];
        t.platform = r.platform;
        ++t.runs[r.state];
        if (r.state == runs::state::running) t.gpus += static_cast<std::uint64_t>(r.gpus);
        if (r.platform == "slurm") slurm.try_emplace(detail_of(r, backend::detail::slurm_ssh), &r);
    }
    tell(call, clusters);
    tell_machine(call);
    for (const auto& [host, r] : slurm) tell_slurm(call, *r);
    return done(call, 0);
}

constexpr std::string_view aliases[] = {"s"};
constexpr example examples[] = {
    {"act s", "how many runs are queued, running, ... on each cluster, and the GPUs that they have"},
    {"act -c eu s --json", "of one cluster, for a script"},
};

}  // namespace

constinit const verb summary_verb{
    .name = "summary",
    .usage = "",
    .sentence = "Count the runs of each cluster by state, and tell what this machine has.",
    .takes = takes::nothing,
    .run = run,
    .examples = examples,
    .aliases = aliases,
};

}  // namespace act::cli
