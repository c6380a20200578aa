#include "tools/act/cap.hpp"

#include <fmt/format.h>

#include "engine/file/file.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/runs/runs.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr double bytes_of_megabit = 1e6 / 8;

/// A home directory may be on many machines, and times go on from another zero when one of them starts again.
result<std::string> path_of(const world& w) {
    const std::string runtime = w.variable("XDG_RUNTIME_DIR");
    if (runtime.starts_with('/') && file::stat_of(runtime)) return runtime + "/act/cap";
    ACT_TRY(const std::string folder, runs::state_folder(w.environment));
    return fmt::format("{}/cap/{}-{}", folder, agent::host_name(), agent::boot_id());
}

void show(invocation& call, host_cap::caps c) {
    if (!call.given.json) {
        call.screen.result(c.none() ? "no cap"
                                    : cap_in_words(c) + ", for all commands of yours on this machine");
        return;
    }
    json_line line("cap");
    c.bytes > 0 ? line.add("mbps", c.bytes / bytes_of_megabit) : line.null("mbps");
    c.operations > 0 ? line.add("ops", c.operations) : line.null("ops");
    call.screen.result(line.text());
}

int run(invocation& call) {
    const options& given = call.given;
    if (given.off && (given.cap_operations > 0 || given.cap_bytes > 0)) {
        return give_up(call, error(kind::usage, "--off lifts the caps, and new ones are given",
                                   "leave one of them out"));
    }
    auto cap = open_host_cap(call.world);
    if (!cap) return give_up(call, cap.error());
    host_cap::caps now = (*cap)->get();
    const host_cap::caps before = now;
    if (given.off) now = {};
    if (given.cap_operations > 0) now.operations = given.cap_operations;
    if (given.cap_bytes > 0) now.bytes = given.cap_bytes;
    if (now != before) (*cap)->set(now);
    show(call, now);
    return done(call, 0);
}

constexpr example examples[] = {
    {"act cap --cap-mbps 200", "all transfers on this machine together, at once, also those that run"},
    {"act cap --cap-ops 500/s", "and no more requests than these"},
    {"act cap", "what holds"},
    {"act cap --off", "as fast as it goes again"},
};

}  // namespace

result<std::unique_ptr<host_cap>> open_host_cap(const world& w) {
    ACT_TRY(const std::string path, path_of(w));
    return host_cap::open(path);
}

std::string cap_in_words(host_cap::caps c) {
    std::string out;
    if (c.bytes > 0) out = fmt::format("{:.6g} Mbit/s", c.bytes / bytes_of_megabit);
    if (c.operations > 0) out += fmt::format("{}{:.6g} requests/s", out.empty() ? "" : " and ", c.operations);
    return out.empty() ? "nothing" : out;
}

constinit const verb cap_verb{
    .name = "cap",
    .usage = "",
    .sentence = "Show or change what all commands on this machine may transfer together.",
    .takes = takes::nothing,
    .run = run,
    .examples = examples,
    .note =
        "It holds for every command of the same user, of all accounts together, from now on and while it\n"
        "runs, until it is lifted or the machine is started again; what one command leaves another may use.\n"
        "What is not named stays as it is. --cap-mbps and --cap-ops of a command hold for that one besides.",
};

}  // namespace act::cli
