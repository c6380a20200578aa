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
    runtime loops({.loops = 1, .blocking_threads = 1});
    int code = 0;
    for (const auto& id : call.words) {
        auto found = state->journal.find(id);
        if (!found) return give_up(call, found.error());
        auto driver = backend::make_driver(*found, services_for(call, state->journal, loops));
        if (!driver) return give_up(call, driver.error());
        auto ended = loops.run(backend::follow(**driver, *found, nullptr, {.stop = call.world.stop.token()}));
        if (!ended) return give_up(call, ended.error());
        call.screen.result(call.given.json ? run_line(*ended)
                                           : fmt::format("{} {}", ended->id, runs::to_string(ended->state)));
        call.screen.flush();
        if (code == 0) code = backend::exit_code_of(*ended);
    }
    return done(call, code);
}

constexpr example examples[] = {
    {"act wait k3x9q2", "until the run has ended; exits with its code"},
    {"act wait k3x9q2 m2b7aa", "both; exits with the first code that is not 0"},
};

}  // namespace

constinit const verb wait_verb{
    .name = "wait",
    .usage = "RUN...",
    .sentence = "Wait for runs to end, and exit with the code of the command.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
