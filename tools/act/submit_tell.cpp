#include "tools/act/submit_tell.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"

namespace act::cli {

namespace {

// The cluster's and the job's; secrets are not for looking at.
std::vector<std::string> environment_of(const cluster::config& c, const backend::job& job) {
    std::map<std::string, std::string> all = c.env;
    for (const auto& [name, value] : job.env) all[name] = value;
    std::vector<std::string> out;
    for (const auto& [name, value] : all)
        out.push_back(name + "=" + (cluster::names_secret(name) ? "***" : value));
    return out;
}

std::vector<std::string> folders_of(const cluster::config& c) {
    std::vector<std::string> out;
    for (const auto& m : c.mappings) {
        if (m.folder.empty() || m.folder == "*") continue;
        out.push_back(fmt::format("{}={}{}", m.folder, m.path, m.mode.empty() ? "" : " (" + m.mode + ")"));
    }
    return out;
}

std::string plan_line(const cluster::config& c, const backend::job& job, const std::string& logs) {
    json_line line("plan");
    line.add("cluster", c.name).add("platform", c.platform).add("code", job.code);
    line.add("command", job.command).add("name", job.name).add("group", job.group).add("point", job.point);
    line.add("experiment", job.experiment.value_or(c.experiment_name));
    line.add("gpus", job.layout.gpus).add("nodes", job.layout.nodes);
    line.add("processes_per_node", job.layout.processes_per_node);
    line.add("hold", job.hold || c.sleep_if_fail).add("compile_args", c.compile_args);
    line.add("env", environment_of(c, job)).add("folders", folders_of(c)).add("logs", logs);
    return line.text();
}

error interrupted_wait(invocation& call, const runs::record& run) {
    std::string id = runs::short_id(run.id);
    call.screen.problem(
        fmt::format("run {} goes on; `act wait {}` waits again, `act abort {}` ends it", run.id, id, id));
    return error(kind::stopped, "interrupted");
}

}  // namespace

int tell_plan(invocation& call, const cluster::config& c, const std::vector<backend::job>& jobs) {
    const auto logs = backend::logs_in_store(c);
    if (!logs) return give_up(call, logs.error());
    if (call.given.json) {
        for (const auto& job : jobs) call.screen.result(plan_line(c, job, *logs));
        return done(call, 0);
    }
    for (const auto& job : jobs) {
        call.screen.result(fmt::format("would submit to {} ({}){}: {}", c.name, c.platform,
                                       job.point.empty() ? "" : ", " + printable(job.point),
                                       printable(shell_quoted(job.command))));
    }
    const backend::job& job = jobs.front();
    auto row = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) call.screen.result(fmt::format("  {:<10} {}", name, printable(value)));
    };
    row("code", job.code.empty() ? "as `act init` will pack it" : job.code.substr(0, 12));
    row("layout", fmt::format("{}, {} on each{}", counted(static_cast<unsigned>(job.layout.nodes), "node"),
                              job.layout.processes_per_node == 1
                                  ? "1 process"
                                  : fmt::format("{} processes", job.layout.processes_per_node),
                              job.layout.gpus > 0 ? fmt::format(", {} GPUs", job.layout.gpus) : ""));
    row("name", job.name);
    row("experiment", job.experiment.value_or(c.experiment_name));
    row("hold", job.hold || c.sleep_if_fail ? "stays on the node after a failure" : "");
    row("compile", c.compile_args);
    for (const auto& variable : environment_of(c, job)) {
        // Those of a sweep differ, and are in the lines above.
        if (!variable.starts_with("ACT_SWEEP_")) row("env", variable);
    }
    for (const auto& folder : folders_of(c)) row("folder", folder);
    row("logs", logs->empty() ? "" : *logs + "/RUN");
    return done(call, 0);
}

void tell_submitted(invocation& call, const std::vector<runs::record>& all) {
    const bool sweep = !all.front().group.empty();
    for (const auto& run : all) {
        if (call.given.json) {
            call.screen.result(run_line(run));
        } else if (call.given.wait) {
            // The results are the job's own output then, or how each of the runs ended.
            call.screen.problem("run " + run.id + (sweep ? " " + run.point : ""));
        } else {
            call.screen.result(sweep ? run.id + "  " + printable(run.point) : run.id);
        }
    }
    if (!call.given.json && !call.given.wait) {
        call.screen.problem(
            sweep ? fmt::format("{} of {}; `act q` shows how they go", counted(all.size(), "run"),
                                all.front().group)
                  : fmt::format("`act q {}` shows how it goes", runs::short_id(all.front().id)));
    }
    call.screen.flush();
}

int wait_for(invocation& call, session& s, backend::driver& driver, const runs::record& run) {
    auto ended = s.runtime().run(backend::follow(driver, run, output_sink(call), s.until()));
    if (!ended) {
        if (ended.error().kind() == kind::stopped)
            return done(call, exit_code(interrupted_wait(call, run).kind()));
        return give_up(call, ended.error());
    }
    if (call.given.json) call.screen.result(run_line(*ended));
    if (!ended->reason.empty())
        call.screen.problem(
            fmt::format("run {} {}: {}", ended->id, runs::to_string(ended->state), ended->reason));
    return done(call, backend::exit_code_of(*ended));
}

int wait_for_all(invocation& call, session& s, backend::driver& driver,
                 const std::vector<runs::record>& all) {
    int worst = 0;
    // In order: all have to end anyway, and asking for one at a time spares a scheduler.
    for (const auto& run : all) {
        auto ended = s.runtime().run(backend::follow(driver, run, nullptr, s.until()));
        if (!ended) {
            if (ended.error().kind() == kind::stopped)
                return done(call, exit_code(interrupted_wait(call, run).kind()));
            return give_up(call, ended.error());
        }
        call.screen.result(
            call.given.json
                ? run_line(*ended)
                : fmt::format("{}  {:<9}  {}{}", ended->id, runs::to_string(ended->state),
                              printable(ended->point),
                              ended->reason.empty() ? "" : "  (" + printable(ended->reason) + ")"));
        call.screen.flush();
        worst = std::max(worst, backend::exit_code_of(*ended));
    }
    return done(call, worst);
}

}  // namespace act::cli
