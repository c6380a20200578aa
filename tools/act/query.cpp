#include <algorithm>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// The state that qf, qq and qr ask for.
std::optional<runs::state> wanted_state(std::string_view called) {
    if (called == "qf" || called == "f" || called == "failed") return runs::state::failed;
    if (called == "qq") return runs::state::queued;
    if (called == "qr") return runs::state::running;
    return std::nullopt;
}

// Asks the back end about runs that have not ended. What cannot be asked keeps its last known state.
void refresh(invocation& call, runs::journal& journal, runtime& loops, std::vector<runs::record>& all) {
    if (call.given.no_details) return;
    for (auto& r : all) {
        if (runs::is_final(r.state) || call.world.stop.requested()) continue;
        auto driver = backend::make_driver(r, services_for(call, journal, loops));
        auto newer = driver ? loops.run((*driver)->status(r, {.stop = call.world.stop.token()}))
                            : result<runs::record>(driver.error());
        if (newer) {
            r = std::move(*newer);
        } else if (newer.error().kind() != kind::stopped) {
            call.screen.problem(fmt::format("warning: {} as last known: {}", r.id, newer.error().describe()));
        }
    }
}

void show_table(invocation& call, const std::vector<runs::record>& all) {
    call.screen.result(fmt::format("{:<22}  {:<9}  {:>4}  {:>10}  {:<10}  {}", "run", "state", "exit",
                                   "duration", "cluster", "command"));
    std::size_t room = call.world.out_is_terminal ? std::max(20u, call.world.columns()) : 1000;
    for (const auto& r : all) {
        auto seconds = runs::duration(r, now());
        std::string line =
            fmt::format("{:<22}  {:<9}  {:>4}  {:>10}  {:<10}  {}", r.id, runs::to_string(r.state),
                        r.exit_code ? std::to_string(*r.exit_code) : "",
                        seconds ? human_duration(*seconds) : "", r.cluster, command_text(r));
        call.screen.result(elide_middle(line, room));
    }
}

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    std::vector<runs::record> chosen;
    int code = 0;
    if (call.words.empty()) {
        auto all = state->journal.list();
        if (!all) return give_up(call, all.error());
        chosen = std::move(*all);
        if (!call.given.cluster.empty())
            std::erase_if(chosen, [&](const auto& r) { return r.cluster != call.given.cluster; });
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
    runtime loops({.loops = 1, .blocking_threads = 1});
    refresh(call, state->journal, loops, chosen);
    if (auto wanted = wanted_state(call.called))
        std::erase_if(chosen, [&](const auto& r) { return r.state != *wanted; });
    if (call.words.empty() && call.given.max && chosen.size() > *call.given.max)
        chosen.resize(*call.given.max);

    if (call.given.json) {
        for (const auto& r : chosen) call.screen.result(run_line(r));
    } else if (!call.words.empty()) {
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            if (i > 0) call.screen.result("");
            call.screen.result(run_text(chosen[i], now()));
        }
    } else if (!chosen.empty()) {
        show_table(call, chosen);
    } else {
        call.screen.problem("no runs; `act submit COMMAND` makes one");
    }
    return done(call, call.words.size() > 1 && code != 0 && !chosen.empty() ? 1 : code);
}

constexpr std::string_view aliases[] = {"q", "qf", "failed", "f", "qq", "qr"};
constexpr example examples[] = {
    {"act q", "all runs submitted from here, newest first"},
    {"act q k3x9q2", "one run, by its id or the end of it: state, times, exit code, where its logs are"},
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
};

}  // namespace act::cli
