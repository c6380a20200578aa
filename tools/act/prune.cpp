#include "submit/backend/prune.hpp"

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr auto usual_age = std::chrono::days(30);

void tell(invocation& call, const backend::leftover& one) {
    if (call.given.json) {
        json_line line("pruned");
        line.add("run", one.id).add("folder", one.folder).add("bytes", one.bytes);
        line.add("kept", one.kept);
        call.screen.result(line.text());
    } else if (!one.kept.empty()) {
        call.screen.problem(fmt::format("{} stays ({}): {}", one.id, human_size(one.bytes), one.kept));
        call.screen.detail("  " + one.advice);
    } else if (call.given.dry_run) {
        call.screen.result(fmt::format(
            "would remove {}  {}  {}", one.id, human_size(one.bytes),
            one.command.empty() ? "a tree that `act local` left" : printable(shell_quoted(one.command))));
    }
}

result<backend::leftover_options> options_of(invocation& call, const runs::journal& journal) {
    backend::leftover_options how{.ended_before = call.given.older_than.value_or(now() - usual_age)};
    how.undelivered = call.given.undelivered;
    for (const auto& word : call.words) {
        ACT_TRY(const runs::record r, journal.find(word));
        if (!runs::is_final(r.state)) {
            return error(kind::conflict, "run " + r.id + " has not ended",
                         "wait for it (act wait " + r.id + "), or act abort it");
        }
        how.only.push_back(r.id);
    }
    if (how.undelivered && how.only.empty()) {
        return error(kind::usage, "--undelivered is for single runs, whose outputs are lost by it",
                     "name them: act prune --undelivered RUN...; `act prune` tells which they are");
    }
    return how;
}

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto how = options_of(call, state->journal);
    if (!how) return give_up(call, how.error());
    report r(call, "removed", "run");
    if (!call.given.dry_run) {
        if (auto cleared = backend::clear_removed(state->journal); !cleared)
            r.fail("what was being removed", cleared.error());
    }
    auto found = backend::leftovers(state->journal, *how);
    if (!found) return give_up(call, found.error());
    std::uint64_t freed = 0, count = 0;
    for (auto& one : *found) {
        if (call.world.stop.token().requested()) break;
        if (one.kept.empty() && !call.given.dry_run) {
            if (auto gone = backend::remove(state->journal, one, *how); !gone) {
                r.fail(one.id, gone.error());
                continue;
            }
        }
        tell(call, one);
        if (!one.kept.empty()) continue;
        summary each;
        each.files = 1;
        each.bytes = one.bytes;
        r.add(one.id, each);
        freed += one.bytes;
        ++count;
    }
    if (!call.given.json) {
        call.screen.result(fmt::format("{} the folders of {}, {}",
                                       call.given.dry_run ? "would remove" : "removed", counted(count, "run"),
                                       human_size(freed)));
    }
    return r.finish_quietly(nullptr);
}

constexpr example examples[] = {
    {"act prune", "of runs that ended more than 30 days ago"},
    {"act prune --older-than 7d --dry-run", "show what would go, and how much it is"},
    {"act prune k3x9q2", "of this run, whenever it ended"},
    {"act prune --undelivered k3x9q2", "also if its outputs are not in the store"},
};

}  // namespace

constinit const verb prune_verb{
    .name = "prune",
    .usage = "[RUN...]",
    .sentence = "Remove what old runs on this machine left here: code trees, logs, copies of outputs.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .note =
        "Their records stay, and so do runs that have not ended, or whose outputs or logs should be in the\n"
        "store and are not known to be there: what brings them is told. Trees that `act local --keep`\n"
        "left go likewise. Nothing goes of a folder below which something is mounted.",
};

}  // namespace act::cli
