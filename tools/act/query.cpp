#include <algorithm>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "submit/runs/log_files.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/run_errors.hpp"
#include "tools/act/run_query.hpp"
#include "tools/act/run_table.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t shown_lines = 100;  ///< of each log of rank 0
constexpr steady::duration patience_for_some = 30s;

// The state that qf, qq and qr ask for.
std::optional<runs::state> wanted_state(std::string_view called) {
    if (called == "qf" || called == "f" || called == "failed") return runs::state::failed;
    if (called == "qq") return runs::state::queued;
    if (called == "qr") return runs::state::running;
    return std::nullopt;
}

void show_table(invocation& call, const std::vector<runs::record>& all) {
    std::size_t room = call.world.out_is_terminal ? std::max(20u, call.world.columns()) : 1000;
    for (const auto& line : run_table(all, now(), room)) call.screen.result(line);
}

// What was written last; of rank 0, for it tells most.
void show_end(invocation& call, const runs::record& r, const runs::log_file& log) {
    auto text = runs::last_lines(log.path, shown_lines);
    if (!text) {
        call.screen.problem("warning: " + text.error().describe());
    } else if (call.given.json) {
        json_line line("log_tail");
        line.add("run", r.id).add("name", log.name).add("text", *text);
        call.screen.result(line.text());
    } else if (!text->empty()) {
        call.screen.result(fmt::format("\nthe end of {}:", log.name));
        call.screen.raw(*text);
        if (!text->ends_with('\n')) call.screen.result("");
    }
}

// Of a run that was asked for by its id: what its logs say.
void show_logs(invocation& call, runs::journal& journal, runs::record& r) {
    const auto logs = runs::log_files(r);
    for (const auto& log : logs) {
        if (call.given.json) {
            json_line line("log");
            line.add("run", r.id).add("name", log.name).add("path", log.path).add("size", log.size);
            call.screen.result(line.text());
        } else {
            call.screen.result(fmt::format("{:<10} {} ({})", "log", log.path, human_size(log.size)));
        }
    }
    if (call.given.no_logs) return;
    if (auto found = remember_errors(journal, r); !found) {
        call.screen.problem("warning: " + found.error().describe());
    } else {
        for (const auto& c : *found)
            call.screen.result(call.given.json ? error_line(r, c)
                                               : fmt::format("{:<10} {}", "error", error_text(r, c)));
    }
    for (const auto& log : runs::log_files(r, 0)) show_end(call, r, log);
}

void show_one(invocation& call, runs::journal& journal, runs::record& r) {
    call.screen.result(call.given.json ? run_line(r) : run_text(r, now()));
    show_logs(call, journal, r);
}

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    std::vector<runs::record> chosen;
    int code = 0;
    if (call.words.empty()) {
        auto all = newest_runs(call);
        if (!all) return give_up(call, all.error());
        chosen = std::move(*all);
    }
    for (const auto& id : call.words) {
        auto found = state->journal.find(id);
        if (found) {
            chosen.push_back(std::move(*found));
        } else {
            tell(call, found.error());
            code = exit_code(found.error().kind());
        }
    }
    if (!call.words.empty()) {
        runtime loops({.loops = 1, .blocking_threads = 1});
        refresh(call, state->journal, loops, chosen, patience_for_some);
    }
    auto wanted = call.given.run_state;
    if (!wanted) wanted = wanted_state(call.called);
    if (wanted) std::erase_if(chosen, [&](const auto& r) { return r.state != *wanted; });
    if (call.words.empty() && call.given.max && chosen.size() > *call.given.max)
        chosen.resize(*call.given.max);

    if (!call.words.empty()) {
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            if (i > 0 && !call.given.json) call.screen.result("");
            show_one(call, state->journal, chosen[i]);
        }
    } else if (call.given.json) {
        for (const auto& r : chosen) call.screen.result(run_line(r));
    } else if (!chosen.empty()) {
        show_table(call, chosen);
    } else {
        const auto all = state->journal.list();
        call.screen.problem(all && !all->empty() ? "no such runs"
                                                 : "no runs; `act submit COMMAND` makes one");
    }
    return done(call, call.words.size() > 1 && code != 0 && !chosen.empty() ? 1 : code);
}

constexpr std::string_view aliases[] = {"q", "qf", "failed", "f", "qq", "qr"};
constexpr example examples[] = {
    {"act q", "all runs submitted from here, newest first"},
    {"act q k3x9q2", "one run, by the end of its id: all about it, and the end of its logs"},
    {"act q --since 2d --text lr=0.1", "of the last two days, with that in the command or the name"},
    {"act q --group k3x9q2 --state failed", "of a sweep"},
    {"act qf", "those that failed; qq: queued, qr: running"},
    {"act q --max 5 --json", "for a script"},
};

}  // namespace

constinit const verb query_verb{
    .name = "query",
    .usage = "[RUN...]",
    .sentence = "Show runs: all of them in a table, or some in full.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .aliases = aliases,
    .note =
        "What is equal in all runs of the table is told once, above it. Back ends are asked about runs that\n"
        "have not ended, for three seconds in all; -no-dt: not at all.",
};

}  // namespace act::cli
