#include <unistd.h>

#include <fmt/format.h>

#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// What opens a shell where the run is.
result<std::vector<std::string>> way_to(const runs::record& r) {
    if (r.state != runs::state::running) {
        return error(kind::usage,
                     fmt::format("run {} is {}, so it has no node", r.id, runs::to_string(r.state)),
                     fmt::format("`act q {}` tells of it", runs::short_id(r.id)));
    }
    if (r.platform == "local") {
        return error(kind::unsupported, fmt::format("run {} is on this machine, {}", r.id, r.node),
                     "cd " + shell_quoted(r.folder + "/code"));
    }
    if (r.platform == "slurm" && !r.backend_id.empty())
        return at_login_node(r, {"srun", "--jobid=" + r.backend_id, "--overlap", "--pty", "bash"}, true);
    return error(kind::unsupported,
                 fmt::format("there is no way to the nodes of {} ({})", r.cluster, r.platform),
                 fmt::format("`act logs -f {}` shows what the run writes", runs::short_id(r.id)));
}

int run(invocation& call) {
    if (call.words.size() > 1)
        return give_up(call, error(kind::usage, "`act ssh` opens one shell", "give one id"));
    auto named = open_run(call);
    if (!named) return give_up(call, named.error());
    runs::record& r = named->run;
    {
        // It may have ended, or begun, since it was looked at last.
        runtime loops({.loops = 1, .blocking_threads = 1});
        auto driver = backend::make_driver(r, services_for(call, named->state.journal, loops));
        const until u{.stop = call.world.stop.token()};
        if (driver) {
            if (auto newer = loops.run((*driver)->status(r, u))) r = std::move(*newer);
        }
    }
    auto command = way_to(r);
    if (!command) return give_up(call, command.error());
    if (call.given.json) {
        json_line line("command");
        line.add("run", r.id).add("command", *command);
        call.screen.result(line.text());
        return done(call, 0);
    }
    if (call.given.dry_run || !call.world.in_is_terminal || !call.world.owns_process) {
        call.screen.result(shell_quoted(*command));
        return done(call, 0);
    }
    call.screen.flush();
    std::vector<char*> words;
    for (auto& word : *command) words.push_back(word.data());
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    return give_up(call, error::from_errno(errno, "cannot start " + command->front()));
}

constexpr example examples[] = {
    {"act ssh k3x9q2", "a shell on a node of the run"},
    {"act ssh k3x9q2 --dry-run", "the command that would open it"},
};

}  // namespace

constinit const verb ssh_verb{
    .name = "ssh",
    .usage = "RUN",
    .sentence = "Open a shell on the node of a run, where the platform allows that.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
