#include "tools/act/job_tools.hpp"

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/json.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

result<job_state> open_job_state(const world& w) {
    ACT_TRY(std::string folder, runs::state_folder(w.environment));
    ACT_TRY(runs::journal journal, runs::journal::open(folder));
    return job_state{std::move(journal), folder + "/code"};
}

result<named_run> open_run(const invocation& call) {
    ACT_TRY(job_state state, open_job_state(call.world));
    ACT_TRY(runs::record found, state.journal.find(call.words.front()));
    return named_run{std::move(state), std::move(found)};
}

backend::services services_for(invocation& call, runs::journal& journal, runtime& loops) {
    return {.runtime = loops,
            .journal = journal,
            .environment = call.world.environment,
            .executable = call.world.executable,
            .note = [&call](std::string_view line) { call.screen.problem(line); }};
}

std::function<void(backend::stream, std::string_view)> output_sink(invocation& call) {
    return [&call](backend::stream from, std::string_view bytes) {
        if (call.given.json) {
            json_line line("output");
            line.add("stream", from == backend::stream::out ? "out" : "err").add("text", bytes);
            call.screen.result(line.text());
            call.screen.flush();
        } else if (from == backend::stream::out) {
            call.screen.raw(bytes);
        } else {
            call.screen.raw_problem(bytes);
        }
    };
}

result<std::vector<runs::record>> named_runs(const invocation& call, const runs::journal& journal) {
    std::vector<runs::record> out;
    for (const auto& word : call.words) {
        ACT_TRY(auto found, journal.find(word));
        out.push_back(std::move(found));
    }
    if (!call.words.empty()) return out;
    const std::string& group = call.given.run_group;
    if (group.empty()) {
        return error(kind::usage, fmt::format("`act {}` needs {}", call.verb.name, call.verb.usage),
                     "`act q` lists the runs");
    }
    ACT_TRY(out, journal.list());
    std::erase_if(out, [&](const auto& r) { return r.group != group; });
    if (out.empty()) return error(kind::not_found, "no runs of the group " + group, "`act q` lists the runs");
    return out;
}

std::vector<std::string> at_login_node(const runs::record& r, std::vector<std::string> command,
                                       bool with_terminal) {
    const std::string host = detail_of(r, backend::detail::slurm_ssh);
    if (host.empty()) return command;
    std::vector<std::string> out = {"ssh"};
    if (with_terminal) {
        out.push_back("-t");
    } else {
        out.insert(out.end(), {"-o", "BatchMode=yes"});
    }
    out.insert(out.end(), {"--", host, shell_quoted(command)});
    return out;
}

std::string command_text(const runs::record& r) { return printable(shell_quoted(r.command)); }

std::string detail_of(const runs::record& r, const char* key) {
    auto found = r.details.find(key);
    return found == r.details.end() ? std::string() : found->second;
}

std::string run_line(const runs::record& r) {
    json_line line("run");
    line.add("id", r.id).add("state", runs::to_string(r.state)).add("cluster", r.cluster);
    line.add("platform", r.platform).add("command", r.command).add("code", r.code);
    line.add("name", r.name).add("group", r.group).add("point", r.point);
    line.add("gpus", r.gpus).add("nodes", r.nodes).add("processes_per_node", r.processes_per_node);
    auto moment = [&](std::string_view key, wall_time at) {
        if (at == wall_time{}) {
            line.null(key);
        } else {
            line.add(key, to_iso8601(at));
        }
    };
    moment("submitted", r.submitted);
    moment("started", r.started);
    moment("ended", r.ended);
    if (r.exit_code) {
        line.add("exit_code", *r.exit_code);
    } else {
        line.null("exit_code");
    }
    line.add("reason", r.reason).add("node", r.node).add("logs", r.logs).add("folder", r.folder);
    line.add("errors", detail_of(r, detail::errors)).add("project", r.project);
    line.add("resubmit_of", detail_of(r, detail::resubmit_of));
    line.add("resubmitted_as", detail_of(r, detail::resubmitted_as));
    return line.text();
}

std::string run_text(const runs::record& r, wall_time now) {
    std::string out;
    auto row = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out += fmt::format("{}{:<10} {}", out.empty() ? "" : "\n", name, value);
    };
    auto moment = [](wall_time at) { return at == wall_time{} ? std::string() : to_iso8601(at); };
    row("run", r.id);
    row("state", std::string(runs::to_string(r.state)));
    row("exit code", r.exit_code ? std::to_string(*r.exit_code) : "");
    row("reason", printable(r.reason));
    row("errors", detail_of(r, detail::errors));
    row("name", printable(r.name));
    row("group", printable(r.group));
    row("point", printable(r.point));
    row("command", command_text(r));
    row("project", printable(r.project));
    row("code", r.code.substr(0, 12));
    row("cluster", r.cluster + " (" + r.platform + ")");
    if (r.gpus > 0) row("gpus", std::to_string(r.gpus));
    if (r.nodes * r.processes_per_node > 1)
        row("processes", fmt::format("{} on {}", r.nodes * r.processes_per_node, counted(r.nodes, "node")));
    row("node", r.node);
    row("again as", detail_of(r, detail::resubmitted_as));
    row("instead of", detail_of(r, detail::resubmit_of));
    row("tries", detail_of(r, detail::history));
    row("submitted", moment(r.submitted));
    row("started", moment(r.started));
    row("ended", moment(r.ended));
    if (auto seconds = runs::duration(r, now)) row("duration", human_duration(*seconds));
    row("logs", r.logs);
    return out;
}

}  // namespace act::cli
