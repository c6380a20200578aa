#include <fmt/format.h>

#include "tools/act/report.hpp"
#include "tools/act/run_errors.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto chosen = named_runs(call, state->journal);
    if (!chosen) return give_up(call, chosen.error());
    for (auto& r : *chosen) {
        if (call.world.stop.requested()) return done(call, exit_code(kind::stopped));
        auto found = remember_errors(state->journal, r);
        if (!found) return give_up(call, found.error());
        const bool several = chosen->size() > 1 && !call.given.json;
        if (several) call.screen.result(fmt::format("{} {}", r.id, runs::to_string(r.state)));
        for (const auto& c : *found)
            call.screen.result(call.given.json ? error_line(r, c) : (several ? "  " : "") + error_text(r, c));
        if (found->empty() && !call.given.json)
            call.screen.problem(fmt::format("no known error in the logs of {} ({})", r.id, r.logs));
        call.screen.flush();
    }
    return done(call, 0);
}

constexpr example examples[] = {
    {"act parse k3x9q2", "the classes of failures that its logs show, and where"},
    {"act parse --group k3x9q2 --json", "of all runs of a sweep, for a script"},
};

}  // namespace

constinit const verb parse_verb{
    .name = "parse",
    .usage = "RUN...",
    .sentence = "Tell by the logs of runs why they failed.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .note =
        "Classes of your own stand in aux_data/error_classes.yaml of the run's project:\n"
        "  MyError: {pattern: 'text of a line, as for grep -E', retriable: true}\n"
        "`act monitor` tries a run again that shows retriable classes and no others.",
};

}  // namespace act::cli
