#include <fmt/format.h>

#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/resubmission.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

void tell_plan(invocation& call, const runs::record& old, const planned_run& plan) {
    if (call.given.json) {
        json_line line("plan");
        line.add("resubmit_of", old.id)
            .add("cluster", plan.config.name)
            .add("platform", plan.config.platform);
        line.add("code", plan.job.code).add("gpus", plan.job.layout.gpus).add("nodes", plan.job.layout.nodes);
        line.add("command", plan.job.command);
        call.screen.result(line.text());
        return;
    }
    call.screen.result(fmt::format("would submit {} again to {} ({}), code {}: {}", old.id, plan.config.name,
                                   plan.config.platform, plan.job.code.substr(0, 12), command_text(old)));
}

result<void> again(invocation& call, job_state& state, const runs::record& old) {
    const resubmission how = resubmission_of(call.given);
    if (call.given.dry_run) {
        ACT_TRY(planned_run plan, plan_again(call, state, old, how));
        tell_plan(call, old, plan);
        return {};
    }
    ACT_TRY(runs::record fresh, submit_again(call, state, old, how));
    call.screen.result(call.given.json ? run_line(fresh) : fresh.id);
    call.screen.flush();
    // Only now, so that a submission that fails costs nothing.
    runtime loops({.loops = 1, .blocking_threads = 1});
    ACT_TRY(auto driver, backend::make_driver(old, services_for(call, state.journal, loops)));
    const until u{.stop = call.world.stop.token()};
    ACT_TRY(auto ended, loops.run(driver->cancel(old, u)));
    return {};
}

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto chosen = named_runs(call, state->journal);
    if (!chosen) return give_up(call, chosen.error());
    report r(call, "submitted again", "run");
    for (const auto& old : *chosen) {
        if (r.stopped() || call.world.stop.requested()) break;
        auto done = again(call, *state, old);
        summary one;
        one.files = 1;
        if (done) {
            r.add(old.id, one);
        } else {
            r.fail(old.id, done.error());
        }
    }
    return r.finish_quietly(nullptr);
}

constexpr example examples[] = {
    {"act resubmit k3x9q2", "the same command, the same code; ends the old run if it is at work"},
    {"act -n 8 resubmit k3x9q2", "with 8 GPUs"},
    {"act resubmit --fresh k3x9q2 m2b7aa", "two, with the code of the last `act init`"},
    {"act -rt eu resubmit k3x9q2", "on another cluster"},
};

}  // namespace

constinit const verb resubmit_verb{
    .name = "resubmit",
    .usage = "RUN...",
    .sentence = "Submit runs once more, with their own code, environment and number of GPUs.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .note =
        "Values of --env that no record keeps, of HF_TOKEN and the like, are taken from the environment "
        "here.",
};

}  // namespace act::cli
