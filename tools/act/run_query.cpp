#include "tools/act/run_query.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "tools/act/job_tools.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool holds(std::string_view text, std::string_view part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

bool tells_of(const runs::record& r, const std::string& part) {
    for (const std::string* text : {&r.name, &r.group, &r.point, &r.experiment, &r.reason}) {
        if (holds(*text, part)) return true;
    }
    if (holds(detail_of(r, detail::errors), part)) return true;
    std::string command;
    for (const auto& word : r.command) command += (command.empty() ? "" : " ") + word;
    return holds(command, part);
}

}  // namespace

bool is_asked_for(const options& given, const runs::record& r) {
    if (!given.cluster.empty() && r.cluster != given.cluster) return false;
    if (!given.run_name.empty() && r.name != given.run_name) return false;
    if (!given.run_group.empty() && r.group != given.run_group) return false;
    if (given.since && r.submitted < *given.since) return false;
    return given.run_text.empty() || tells_of(r, given.run_text);
}

result<std::vector<runs::record>> newest_runs(invocation& call) {
    ACT_TRY(job_state state, open_job_state(call.world));
    ACT_TRY(auto all, state.journal.list());
    std::erase_if(all, [&](const auto& r) { return !is_asked_for(call.given, r); });
    runtime loops({.loops = 1, .blocking_threads = 1});
    refresh(call, state.journal, loops, all, patience_for_all);
    return all;
}

void refresh(invocation& call, runs::journal& journal, runtime& loops, std::vector<runs::record>& all,
             steady::duration patience) {
    if (call.given.no_details) return;
    const auto u = until{.stop = call.world.stop.token()}.within(patience);
    // One word about each cause, and not about each run.
    struct unknown {
        error why;
        std::uint64_t runs = 0;
    };
    std::map<std::string, unknown> failures;
    auto note = [&](const error& why, std::uint64_t count) {
        if (why.kind() == kind::stopped) return;
        failures.try_emplace(why.describe(), unknown{why}).first->second.runs += count;
    };
    // A driver for all runs of a cluster, so that its scheduler is asked once.
    std::map<std::array<std::string, 3>, std::vector<std::size_t>> clusters;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (runs::is_final(all[i].state)) continue;
        const std::string host = detail_of(all[i], backend::detail::slurm_ssh);
        clusters[{all[i].platform, all[i].cluster, host}].push_back(i);
    }
    for (const auto& [which, places] : clusters) {
        if (call.world.stop.requested()) break;
        std::vector<runs::record> asked;
        for (auto i : places) asked.push_back(all[i]);
        auto driver = backend::make_driver(asked.front(), services_for(call, journal, loops));
        if (!driver) {
            note(driver.error(), places.size());
            continue;
        }
        auto newer = loops.run((*driver)->status_all(std::move(asked), u));
        for (std::size_t n = 0; n < places.size(); ++n) {
            if (newer[n]) {
                all[places[n]] = std::move(*newer[n]);
            } else {
                note(newer[n].error(), 1);
            }
        }
    }
    for (const auto& [what, one] : failures)
        call.screen.problem(fmt::format("warning: {} as last known: {}", counted(one.runs, "run"), what));
}

}  // namespace act::cli
