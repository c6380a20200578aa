#include "tools/act/job_request.hpp"

#include <fmt/format.h>

#include "submit/stage/pack.hpp"
#include "tools/act/ask.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// `act init`, whose lines are about the run here, not its result.
int pack_now(invocation& call) {
    screen aside(call.world.problems, call.world.problems, false);
    options given = call.given;
    given.json = false;
    invocation init{.verb = init_verb,
                    .called = std::string(init_verb.name),
                    .given = std::move(given),
                    .words = {},
                    .world = call.world,
                    .screen = aside};
    call.screen.flush();
    return init_verb.run(init);
}

std::string_view otherwise(const invocation& call) {
    return call.verb.name == submit_verb.name ? "submit with --init" : "leave out --no-init";
}

}  // namespace

std::optional<std::string> code_for(invocation& call, const std::string& archives, const cluster::config& c,
                                    bool pack, int& code) {
    auto known = stage::recall(archives, c);
    if (!known && known.error().kind() == kind::not_found && !pack) {
        if (call.world.can_ask() && !call.given.dry_run) {
            auto answer = yes_to(call, known.error().message() + "; pack it now?");
            pack = answer && *answer;
        }
        if (!pack) {
            code = give_up(call, error(kind::not_found, known.error().message(),
                                       fmt::format("run `act init` first, or {}", otherwise(call))));
            return std::nullopt;
        }
    }
    if (pack) {
        code = pack_now(call);
        if (code != 0) return std::nullopt;
        // Nothing was packed: the plan says that it will be.
        if (call.given.dry_run) return std::string();
        known = stage::recall(archives, c);
    }
    if (known) return std::move(*known);
    code = give_up(call, known.error());
    return std::nullopt;
}

std::vector<std::string> command_given(const invocation& call) {
    if (call.given.seen.find("--shell") == call.given.seen.end()) return call.words;
    return {"sh", "-c", call.given.shell_line};
}

result<std::map<std::string, std::string>> environment_given(const invocation& call) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : call.given.job_env) {
        if (value) {
            out[name] = *value;
            continue;
        }
        auto here = call.world.environment.find(name);
        if (here == call.world.environment.end())
            return error(kind::usage, fmt::format("--env {}: there is no such variable here", name),
                         fmt::format("export it, or give a value: --env {}=VALUE", name));
        out[name] = here->second;
    }
    return out;
}

}  // namespace act::cli
