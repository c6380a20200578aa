#include <fmt/format.h>

#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

result<runs::record> abort_one(invocation& call, runs::journal& journal, runtime& loops,
                               const std::string& id) {
    ACT_TRY(runs::record found, journal.find(id));
    ACT_TRY(auto driver, backend::make_driver(found, services_for(call, journal, loops)));
    return loops.run(driver->cancel(std::move(found), {.stop = call.world.stop.token()}));
}

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    runtime loops({.loops = 1, .blocking_threads = 1});
    report r(call, "aborted", "run");
    std::vector<std::string> ids = call.words;
    if (ids.empty()) {
        auto chosen = named_runs(call, state->journal);
        if (!chosen) return give_up(call, chosen.error());
        for (const auto& one : *chosen) ids.push_back(one.id);
    }
    for (const auto& id : ids) {
        if (r.stopped()) break;
        auto ended = abort_one(call, state->journal, loops, id);
        if (!ended) {
            r.fail(id, ended.error());
            continue;
        }
        summary one;
        one.files = 1;
        r.add(id, one);
        call.screen.result(call.given.json ? run_line(*ended)
                                           : fmt::format("{} {}", ended->id, runs::to_string(ended->state)));
    }
    return r.finish_quietly(nullptr);
}

constexpr std::string_view aliases[] = {"a"};
constexpr example examples[] = {
    {"act abort k3x9q2", "end a run and all its processes"},
    {"act abort k3x9q2 m2b7aa", "two of them"},
    {"act abort --group k3x9q2", "all of a sweep"},
};

}  // namespace

constinit const verb abort_verb{
    .name = "abort",
    .usage = "RUN...",
    .sentence = "End runs, and see that they have ended.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .aliases = aliases,
};

}  // namespace act::cli
