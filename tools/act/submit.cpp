#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "submit/stage/pack.hpp"
#include "tools/act/job_data.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

void tell_plan(invocation& call, const cluster::config& c, const backend::job& job) {
    if (call.given.json) {
        json_line line("plan");
        line.add("cluster", c.name)
            .add("platform", c.platform)
            .add("code", job.code)
            .add("command", job.command);
        call.screen.result(line.text());
        return;
    }
    call.screen.result(fmt::format("would submit to {} ({}), code {}: {}", c.name, c.platform,
                                   job.code.substr(0, 12), printable(shell_quoted(job.command))));
}

void tell_submitted(invocation& call, const runs::record& run) {
    if (call.given.json) {
        call.screen.result(run_line(run));
    } else if (call.given.wait) {
        // The results are the job's own output then.
        call.screen.problem("run " + run.id);
    } else {
        call.screen.result(run.id);
        call.screen.problem("`act q " + runs::short_id(run.id) + "` shows how it goes");
    }
    call.screen.flush();
}

int wait_for(invocation& call, session& s, backend::driver& driver, const runs::record& run) {
    auto ended = s.runtime().run(backend::follow(driver, run, output_sink(call), s.until()));
    if (!ended) {
        if (ended.error().kind() == kind::stopped) {
            std::string id = runs::short_id(run.id);
            call.screen.problem(fmt::format(
                "run {} goes on; `act wait {}` waits again, `act abort {}` ends it", run.id, id, id));
            return done(call, exit_code(kind::stopped));
        }
        return give_up(call, ended.error());
    }
    if (call.given.json) call.screen.result(run_line(*ended));
    if (!ended->reason.empty())
        call.screen.problem(
            fmt::format("run {} {}: {}", ended->id, runs::to_string(ended->state), ended->reason));
    return done(call, backend::exit_code_of(*ended));
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto code = stage::recall(state->archives, *cluster);
    if (!code) return give_up(call, code.error());
    backend::job job{.command = call.words, .code = *code, .archive = state->archives + "/" + *code + ".zip"};
    if (call.given.dry_run) {
        tell_plan(call, *cluster, job);
        return done(call, 0);
    }
    session s(call, std::move(*cluster));
    job_data data(s, call.world.executable);
    backend::services services = services_for(call, state->journal, s.runtime());
    services.data = &data;
    auto driver = backend::make_driver(s.cluster(), services);
    if (!driver) return give_up(call, driver.error());
    auto submitted = s.runtime().run((*driver)->submit(std::move(job), s.until()));
    if (!submitted) return give_up(call, submitted.error());
    tell_submitted(call, *submitted);
    return call.given.wait ? wait_for(call, s, **driver, *submitted) : done(call, 0);
}

constexpr example examples[] = {
    {"act submit python3 train.py --lr 0.1 data/voc20",
     "every word reaches the program exactly as it stands here"},
    {"act submit --wait python3 count.py data/x", "stream its output and exit with its code"},
    {"act -c eu -n 8 submit python3 train.py", "on cluster eu, with 8 GPUs"},
    {"act submit sh -c 'make && ./run | tee log'", "a shell, where one is wanted"},
    {"act submit --dry-run python3 train.py", "show what would be submitted"},
};

}  // namespace

constinit const verb submit_verb{
    .name = "submit",
    .usage = "COMMAND [ARGUMENT...]",
    .sentence = "Run a command on the cluster, with the code of the last `act init` and the data in place.",
    .takes = takes::command,
    .run = run,
    .examples = examples,
    .note =
        "From COMMAND on, everything belongs to the command; options of act stand before it.\n"
        "On a terminal, Ctrl-C ends the waiting, not the run.",
};

}  // namespace act::cli
