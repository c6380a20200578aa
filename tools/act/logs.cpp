#include <filesystem>

#include <fmt/format.h>

#include "submit/runs/log_files.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

task<result<runs::record>> show_now(backend::log_reader read, runs::record r, backend::log_sink to, until u) {
    backend::log_position position;
    ACT_CO_TRY_VOID(co_await read(r, position, to, u));
    co_return r;
}

int run(invocation& call) {
    if (call.words.size() > 1)
        return give_up(call, error(kind::usage, "`act logs` shows one run", "give one id"));
    auto named = open_run(call);
    if (!named) return give_up(call, named.error());
    const runs::record& r = named->run;
    runtime loops({.loops = 1, .blocking_threads = 1});
    auto driver = backend::make_driver(r, services_for(call, named->state.journal, loops));
    if (!driver) return give_up(call, driver.error());
    const until u{.stop = call.world.stop.token()};
    const unsigned rank = call.given.rank;
    backend::log_reader read = [&](const auto& x, auto& position, auto to, auto limit) {
        return (*driver)->logs(x, position, std::move(to), limit);
    };
    if (rank > 0) read = backend::logs_of_rank(loops, rank);
    bool any = false;
    auto sink = [&any, to = output_sink(call)](backend::stream s, std::string_view text) {
        any |= !text.empty();
        to(s, text);
    };
    auto shown = call.given.wait ? loops.run(backend::follow(**driver, r, read, sink, u))
                                 : loops.run(show_now(read, r, sink, u));
    if (!shown) return give_up(call, shown.error());
    std::error_code unknown;
    const bool kept_here = shown->platform == "local" && runs::is_final(shown->state);
    if (!any && kept_here && !std::filesystem::exists(shown->logs, unknown)) {
        return give_up(call,
                       error(kind::not_found,
                             "run " + r.id + " has no logs on this machine: " + shown->logs + " is gone",
                             "`act prune` removes those of old runs; `act q " + runs::short_id(r.id) +
                                 "` shows what is known of it"));
    }
    if (rank > 0 && runs::log_files(*shown, rank).empty()) {
        return give_up(call,
                       error(kind::not_found, fmt::format("run {} has no log of rank {} here", r.id, rank),
                             "`act q " + runs::short_id(r.id) + "` lists its logs"));
    }
    return done(call, 0);
}

constexpr example examples[] = {
    {"act logs k3x9q2", "what the run has written so far: its output to stdout, its errors to stderr"},
    {"act logs -f k3x9q2", "until it ends"},
    {"act logs k3x9q2 --rank 3", "of its fourth process"},
};

}  // namespace

constinit const verb logs_verb{
    .name = "logs",
    .usage = "RUN",
    .sentence = "Show what a run writes.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
