#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "submit/cluster/cluster.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/resubmission.hpp"
#include "tools/act/run_errors.hpp"
#include "tools/act/run_query.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto pause_between = 2s;  ///< looks at runs; back ends answer for many users
constexpr auto young = 24h;         ///< failures before that are history, unless --since says otherwise

class monitor {
public:
    monitor(invocation& call, job_state& state) : call_(call), state_(state) {}

    int run() {
        auto root = project();
        if (!root) return give_up(call_, root.error());
        runtime loops({.loops = 1, .blocking_threads = 1});
        const until u{.stop = call_.world.stop.token()};
        for (;;) {
            auto watched = choose(*root);
            if (!watched) return give_up(call_, watched.error());
            refresh(call_, state_.journal, loops, *watched, 30s);
            bool open = false;
            for (auto& r : *watched) {
                if (call_.world.stop.requested()) break;
                tell(r);
                if (r.state == runs::state::failed) {
                    open = try_again(r) || open;
                } else {
                    open = open || !runs::is_final(r.state);
                }
            }
            call_.screen.flush();
            if (call_.given.dry_run || (!open && !call_.given.watch)) return done(call_, code_);
            if (!loops.run(wait(u))) return done(call_, exit_code(kind::stopped));
        }
    }

private:
    static task<result<void>> wait(until u) { co_return co_await sleep_for(pause_between, u); }

    result<std::string> project() const {
        ACT_TRY(auto config, cluster::load({.name = {},
                                            .working_directory = call_.world.working_directory,
                                            .environment = call_.world.environment}));
        return config.root;
    }

    // The runs that the call names, and those that came of them; else the project's that are at work or have
    // failed lately.
    result<std::vector<runs::record>> choose(const std::string& root) {
        ACT_TRY(auto all, state_.journal.list());
        if (!call_.words.empty() && named_.empty()) {
            for (const auto& word : call_.words) {
                ACT_TRY(auto found, state_.journal.find(word));
                named_[found.id] = true;
            }
        }
        const wall_time since = now() - young;
        std::reverse(all.begin(), all.end());
        // Of a submission that was cut short only the newer record may tell.
        for (const auto& r : all) went_on_[detail_of(r, detail::resubmit_of)] = true;
        std::erase_if(all, [&](const runs::record& r) {
            // Oldest first, so a run follows the one that it came of.
            if (auto origin = detail_of(r, detail::resubmit_of); named_.count(origin)) named_[r.id] = true;
            if (named_.count(r.id)) return false;
            if (!call_.words.empty()) return true;
            if (r.project != root || !is_asked_for(call_.given, r)) return true;
            if (seen_.count(r.id) || !runs::is_final(r.state)) return false;
            return r.state != runs::state::failed || (!call_.given.since && r.ended < since);
        });
        return all;
    }

    void tell(const runs::record& r) {
        auto [at, fresh] = seen_.try_emplace(r.id, r.state);
        if (!fresh && at->second == r.state) return;
        at->second = r.state;
        call_.screen.result(call_.given.json ? run_line(r)
                                             : fmt::format("{} {}{}{}", r.id, runs::to_string(r.state),
                                                           r.reason.empty() ? "" : ": ", r.reason));
    }

    static unsigned retries_of(const runs::record& r) {
        unsigned n = 0;
        const std::string text = detail_of(r, detail::retries);
        std::from_chars(text.data(), text.data() + text.size(), n);
        return n;
    }

    /// True when it goes on as another run.
    bool try_again(runs::record& r) {
        if (!detail_of(r, detail::resubmitted_as).empty() || went_on_.count(r.id) || given_up_[r.id])
            return false;
        given_up_[r.id] = true;
        auto found = remember_errors(state_.journal, r);
        if (!found) return fail(r, found.error());
        const std::string errors = detail_of(r, detail::errors);
        if (!runs::is_retriable(*found)) {
            say(r, "not tried again: " + (errors.empty() ? std::string("its logs show no known error")
                                                         : errors + " would come again"));
            return false;
        }
        const unsigned tried = retries_of(r);
        if (tried >= call_.given.retries) {
            say(r, fmt::format("not tried again: {} retries have not helped ({})", tried, errors));
            return false;
        }
        if (call_.given.dry_run) {
            say(r, "would be tried again: " + errors);
            return false;
        }
        resubmission how;
        how.details[detail::retries] = std::to_string(tried + 1);
        const std::string before = detail_of(r, detail::history);
        how.details[detail::history] =
            fmt::format("{}{}{}: {}", before, before.empty() ? "" : "; ", r.id, errors);
        if (auto mine = claim(state_.journal, r); !mine) {
            const error& why = mine.error();
            if (why.kind() != kind::conflict) return fail(r, why);
            say(r,
                "not tried again here: " + why.message() + (why.advice().empty() ? "" : "; " + why.advice()));
            return true;
        }
        auto next = submit_again(call_, state_, r, how);
        if (!next) {
            // One that stands in the journal is a try, too: its own reason tells whether another one follows.
            auto newest = state_.journal.find(r.id);
            if (!newest || detail_of(*newest, detail::resubmitted_as).empty()) return fail(r, next.error());
            cli::tell(call_, error(next.error()).in("run " + r.id));
            return true;
        }
        say(r, fmt::format("tried again as {}: {}", next->id, errors));
        named_[next->id] = true;
        return true;
    }

    bool fail(const runs::record& r, const error& why) {
        cli::tell(call_, error(why).in("run " + r.id));
        code_ = 1;
        return false;
    }

    void say(const runs::record& r, const std::string& what) {
        if (call_.given.json) {
            json_line line("decision");
            line.add("run", r.id).add("text", what);
            call_.screen.result(line.text());
        } else {
            call_.screen.result(fmt::format("{} {}", r.id, what));
        }
    }

    invocation& call_;
    job_state& state_;
    std::map<std::string, bool> named_, given_up_, went_on_;
    std::map<std::string, runs::state> seen_;
    int code_ = 0;
};

int run(invocation& call) {
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    return monitor(call, *state).run();
}

constexpr example examples[] = {
    {"act monitor", "until the project's runs have ended; tries again what failed by chance"},
    {"act monitor --watch", "and those that are submitted later"},
    {"act monitor k3x9q2 --retries 5", "only that run, up to five times"},
    {"act monitor --dry-run", "what would be tried again now"},
};

}  // namespace

constinit const verb monitor_verb{
    .name = "monitor",
    .usage = "[RUN...]",
    .sentence = "Watch runs, and submit those again that failed by no fault of theirs.",
    .takes = takes::any,
    .run = run,
    .examples = examples,
    .note =
        "Without RUN: the runs of this project that are at work, or failed within a day or since --since.\n"
        "A failure is tried again when its logs show a retriable class of `act parse` and none that would "
        "come\n"
        "again. How often, and why, stays in the record: `act q RUN`.",
};

}  // namespace act::cli
