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

backend::services services_for(invocation& call, runs::journal& journal, runtime& loops) {
    return {.runtime = loops,
            .journal = journal,
            .environment = call.world.environment,
            .executable = call.world.executable,
            .note = [&call](std::string_view line) { call.screen.problem(line); }};
}

std::string command_text(const runs::record& r) { return printable(shell_quoted(r.command)); }

std::string run_line(const runs::record& r) {
    json_line line("run");
    line.add("id", r.id).add("state", runs::to_string(r.state)).add("cluster", r.cluster);
    line.add("platform", r.platform).add("command", r.command).add("code", r.code);
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
    line.add("name", r.name).add("group", r.group).add("point", r.point);
    line.add("reason", r.reason).add("node", r.node).add("logs", r.logs).add("folder", r.folder);
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
    row("name", printable(r.name));
    row("sweep", printable(r.group));
    row("point", printable(r.point));
    row("command", command_text(r));
    row("cluster", r.cluster + " (" + r.platform + ")");
    row("node", r.node);
    row("submitted", moment(r.submitted));
    row("started", moment(r.started));
    row("ended", moment(r.ended));
    if (auto seconds = runs::duration(r, now)) row("duration", human_duration(*seconds));
    row("logs", r.logs);
    return out;
}

}  // namespace act::cli
