#include "submit/backend/local.hpp"

#include <csignal>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/backend/logs.hpp"

namespace act::backend {
namespace {

using namespace std::chrono_literals;

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("localhost");
}

/// Is the record's supervisor alive? Its pid is compared with its start time, and the boot that both belong
/// to.
bool supervised(const runs::record& r) {
    if (auto boot = r.details.find("boot"); boot != r.details.end()) {
        auto now_booted = file::read_all("/proc/sys/kernel/random/boot_id", 256);
        if (now_booted && now_booted->substr(0, 36) != boot->second) return false;
    }
    return agent::process_started(r.pid) == r.pid_started;
}

/// How long a record may wait for its supervisor: `submit` starts it at once.
constexpr auto start_patience = 60s;

}  // namespace

task<result<runs::record>> local_driver::submit(job j, until u) {
    if (j.command.empty())
        co_return error(kind::usage, "there is no command to run", "act submit COMMAND ARGUMENTS...");
    auto links = co_await place_data(config_, j.command, services_, u);
    if (!links) co_return links.error();
    ACT_CO_TRY_VOID(u.check());
    auto call = [&] { return start(std::move(j), std::move(*links)); };
    co_return co_await services_.runtime.blocking(call);
}

result<runs::record> local_driver::start(job j, std::vector<agent::link> links) {
    runs::record r;
    r.cluster = config_.name;
    r.platform = config_.platform;
    r.project = config_.root;
    r.experiment = j.experiment.value_or(config_.experiment_name);
    describe(j, r);
    ACT_TRY(r, services_.journal.add(std::move(r)));

    agent::spec s;
    s.run = r.id;
    s.archive = j.archive;
    s.hash = j.code;
    s.work = r.folder;
    s.logs = r.logs;
    s.links = std::move(links);
    s.env = config_.env;
    for (auto& [key, value] : j.env) s.env[key] = value;
    s.env["ACT_CLUSTER"] = config_.name;
    s.command = std::move(j.command);
    s.compile_args = config_.compile_args;
    s.interpreter_path = config_.interpreter_path;
    s.sleep_if_fail = config_.sleep_if_fail;
    s.sleep_if_succeed = config_.sleep_if_succeed;
    std::string spec_file = r.folder + "/spec.json";
    auto started = agent::write_spec(spec_file, s);
    if (started)
        started = agent::start_supervisor(services_.executable, spec_file, services_.journal.folder());
    if (!started) {
        ::unlink(spec_file.c_str());
        (void)services_.journal.update(r.id, [&](runs::record& x) {
            x.state = runs::state::failed;
            x.ended = now();
            x.reason = started.error().message();
        });
        return started.error();
    }
    return services_.journal.find(r.id);
}

result<runs::record> local_driver::look(const runs::record& given) {
    ACT_TRY(runs::record r, services_.journal.find(given.id));
    if (runs::is_final(r.state)) return r;
    if (r.pid == 0) {
        if (now() - r.submitted < start_patience) return r;
    } else {
        // A home folder may be shared: of another machine's processes nothing is known here.
        if (r.node != host_name() || supervised(r)) return r;
        // It may have written the outcome since.
        ACT_TRY(r, services_.journal.find(given.id));
    }
    return services_.journal.update(r.id, [](runs::record& x) {
        if (runs::is_final(x.state)) return;
        x.reason = x.pid == 0 ? "it was never started"
                              : "its supervisor ended before it: killed, or the machine was restarted";
        x.state = runs::state::failed;
        x.ended = now();
    });
}

task<result<runs::record>> local_driver::status(runs::record r, until u) {
    ACT_CO_TRY_VOID(u.check());
    auto call = [&] { return look(r); };
    co_return co_await services_.runtime.blocking(call);
}

task<result<void>> local_driver::logs(runs::record r, log_position& position,
                                      std::function<void(stream, std::string_view)> sink, until u) {
    const std::vector<log_file> files = {
        {"setup.txt", stream::err}, {"stdout.txt", stream::out}, {"stderr.txt", stream::err}};
    co_return co_await pass_on_logs(services_.runtime, r.logs, files, position, std::move(sink), u);
}

task<result<runs::record>> local_driver::cancel(runs::record given, until u) {
    auto current = co_await status(given, u);
    if (!current || runs::is_final(current->state)) co_return current;
    if (current->node != host_name() && current->pid != 0) {
        co_return error(kind::unsupported, "run " + current->id + " is on the machine " + current->node,
                        "run the same command there");
    }
    if (current->pid == 0) {
        // Not taken over yet: the supervisor looks at the state first.
        co_return services_.journal.update(current->id, [](runs::record& r) {
            if (r.state != runs::state::queued) return;
            r.state = runs::state::canceled;
            r.ended = now();
            r.reason = "cancelled";
        });
    }
    auto sent = agent::signal_process(current->pid, current->pid_started, SIGTERM);
    if (!sent) co_return sent.error();
    for (auto pause = 10ms;; pause = std::min(pause * 2, 200ms)) {
        current = co_await status(*current, u);
        if (!current || runs::is_final(current->state)) co_return current;
        auto slept = co_await sleep_for(pause, u);
        if (!slept) co_return slept.error();
    }
}

}  // namespace act::backend
