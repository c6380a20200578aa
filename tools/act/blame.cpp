#include <algorithm>

#include <fmt/format.h>

#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/run_query.hpp"
#include "tools/act/run_table.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

int run(invocation& call) {
    auto all = newest_runs(call);
    if (!all) return give_up(call, all.error());
    std::erase_if(*all, [](const auto& r) { return r.state != runs::state::running; });
    std::stable_sort(all->begin(), all->end(),
                     [](const auto& a, const auto& b) { return a.started < b.started; });
    const std::size_t most = call.given.max.value_or(5);
    if (all->size() > most) all->resize(most);
    if (call.given.json) {
        for (const auto& r : *all) call.screen.result(run_line(r));
    } else if (all->empty()) {
        call.screen.problem("nothing is running");
    } else {
        const std::size_t room = call.world.out_is_terminal ? std::max(20u, call.world.columns()) : 1000;
        for (const auto& line : run_table(*all, now(), room)) call.screen.result(line);
    }
    return done(call, 0);
}

constexpr example examples[] = {
    {"act blame", "the five"},
    {"act -c eu blame --max 20", "of one cluster"},
};

}  // namespace

constinit const verb blame_verb{
    .name = "blame",
    .usage = "",
    .sentence = "Show the runs that have been running longest.",
    .takes = takes::nothing,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
