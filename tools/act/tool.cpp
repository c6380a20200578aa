#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>

#include "engine/core/log.hpp"
#include "tools/act/arguments.hpp"
#include "tools/act/help.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/signals.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// Log lines share stderr with the progress bar.
class log_to_screen {
public:
    log_to_screen(screen& s, log::level level) {
        log::set_level(level);
        log::set_sink([&s](log::level, std::string_view line) { s.problem(line); });
    }
    ~log_to_screen() { log::set_sink(nullptr); }
    log_to_screen(const log_to_screen&) = delete;
    log_to_screen& operator=(const log_to_screen&) = delete;
};

std::string without_last_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

int refuse(world& w, screen& s, const error& e) {
    // The options could not be read, so --json is looked for as it stands.
    if (std::find(w.arguments.begin(), w.arguments.end(), "--json") != w.arguments.end()) {
        options given;
        given.json = true;
        static constexpr verb none{
            .name = "", .usage = "", .sentence = "", .takes = takes::nothing, .run = nullptr, .examples = {}};
        invocation call{.verb = none, .called = {}, .given = given, .words = {}, .world = w, .screen = s};
        return give_up(call, e);
    }
    s.problem(e.describe());
    if (!e.advice().empty()) s.detail("  " + e.advice());
    return exit_code(e.kind());
}

int call_verb(world& w, screen& s, arguments parsed) {
    invocation call{.verb = *parsed.verb,
                    .called = std::move(parsed.called),
                    .given = std::move(parsed.given),
                    .words = std::move(parsed.words),
                    .world = w,
                    .screen = s};
    // The agent replaces or forks this process: it must find neither threads nor handlers.
    if (call.verb.takes == takes::raw) return call.verb.run(call);
    for (const auto& warning : call.given.warnings) s.problem("warning: " + warning);
    if (w.working_directory.empty()) {
        return give_up(
            call, error(kind::configuration, "the working directory is gone", "change to one that exists"));
    }
    std::optional<signal_watch> signals;
    std::optional<log_to_screen> logging;
    if (w.owns_process) {
        signals.emplace(w.stop);
        logging.emplace(s, call.given.log_level);
    }
    int code = call.verb.run(call);
    // While a closed pipe is still an error and not a death.
    s.flush();
    return code;
}

/// Results that are lost are a failure, whatever else went well. (Not those that nobody wanted to read on.)
int told_losses(screen& s, int code) {
    s.flush();
    const int lost = s.results_lost();
    if (lost == 0) return code;
    const error e = error::from_errno(lost, "cannot write to standard output");
    s.problem(e.describe());
    s.detail(lost == EBADF
                 ? "  it is closed; >/dev/null is for output that nobody wants"
                 : "  what came there is incomplete: send it elsewhere, or make room, and run it again");
    return code == 0 ? exit_code(kind::io) : code;
}

int run_on(world& w, screen& s) {
    try {
        auto parsed = parse_arguments(w.arguments);
        if (!parsed) return refuse(w, s, parsed.error());
        if (parsed->given.version) {
            s.result(version_line());
        } else if (!parsed->verb) {
            if (!parsed->given.help && !w.arguments.empty()) {
                return refuse(w, s,
                              error(kind::usage, "a verb is missing", "run `act --help` to see them all"));
            }
            s.result(without_last_newline(overview()));
        } else if (parsed->given.help) {
            s.result(without_last_newline(help_of(*parsed->verb)));
        } else {
            return call_verb(w, s, std::move(*parsed));
        }
        return 0;
    } catch (const std::exception& e) {
        s.problem(std::string("internal error: ") + e.what());
        s.detail("  this is a bug of act; please report it with the command that led to it");
        return exit_code(kind::internal);
    }
}

}  // namespace

int run(world& w) {
    screen s(w.out, w.problems, w.out_is_terminal);
    return told_losses(s, run_on(w, s));
}

}  // namespace act::cli
