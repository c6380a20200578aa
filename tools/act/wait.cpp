#include <algorithm>

#include <fmt/format.h>

#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
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
    runtime loops({.loops = 1, .blocking_threads = 1});
    int code = 0;
    for (const auto& r : *chosen) {
        auto driver = backend::make_driver(r, services_for(call, state->journal, loops));
        if (!driver) return give_up(call, driver.error());
        auto ended = loops.run(backend::follow(**driver, r, nullptr, {.stop = call.world.stop.token()}));
        if (!ended) return give_up(call, ended.error());
        call.screen.result(call.given.json ? run_line(*ended)
                                           : fmt::format("{} {}", ended->id, runs::to_string(ended->state)));
        call.screen.flush();
        code = std::max(code, backend::exit_code_of(*ended));
    }
    return done(call, code);
}

constexpr example examples[] = {
    {"act wait k3x9q2", "until the run has ended; exits with its code"},
    {"act wait k3x9q2 m2b7aa", "both; exits with the highest code"},
    {"act wait --group k3x9q2", "all of a sweep"},
};

}  // namespace

constinit const verb wait_verb{
    .name = "wait",
    .usage = "RUN...",
    .sentence = "Wait for runs to end, and exit with the code of the command.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
