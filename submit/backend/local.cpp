#include "submit/backend/local.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <thread>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/backend/data.hpp"
#include "submit/backend/logs.hpp"

namespace act::backend {
namespace {

using namespace std::chrono_literals;

/// Is the record's supervisor alive?
bool supervised(const runs::record& r) {
    const auto boot = r.details.find("boot");
    return agent::lives(r.pid, r.pid_started, boot == r.details.end() ? std::string() : boot->second);
}

/// How long a record may wait for its supervisor: `submit` starts it at once.
constexpr auto start_patience = 60s;

/// Of the cluster file's `local:`.
std::string setting(const cluster::config& c, const std::string& name) {
    auto found = c.other.find("local." + name);
    return found == c.other.end() ? std::string() : found->second;
}

/// How many runs of this layout there is room for.
int room_for(const layout& l, std::size_t gpus) {
    if (gpus > 0 && l.gpus > 0) return std::max(1, static_cast<int>(gpus) / l.gpus);
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / std::max(1, l.processes()));
}

}  // namespace

task<result<std::vector<runs::record>>> local_driver::submit_all(std::vector<job> jobs, unsigned max_parallel,
                                                                 until u) {
    for (const auto& j : jobs) {
        if (j.command.empty())
            co_return error(kind::usage, "there is no command to run", "act submit COMMAND ARGUMENTS...");
    }
    // Until the end: what is fetched must not go before all records say that it is needed.
    const auto data = co_await place_data(config_, jobs, services_, u);
    if (!data) co_return data.error();
    std::vector<std::string> gpus;
    if (std::any_of(jobs.begin(), jobs.end(), [](const job& j) { return j.layout.gpus > 0; })) {
        auto ask = [&] { return agent::list_gpus(u); };
        result<std::vector<std::string>> found = co_await services_.runtime.blocking(ask);
        if (!found) co_return found.error();
        gpus = std::move(*found);
    }
    queue q;
    if (max_parallel > 0 || jobs.size() > 1)
        q.places =
            max_parallel > 0 ? static_cast<int>(max_parallel) : room_for(jobs.front().layout, gpus.size());
    // A sweep has a queue of its own; single runs with a limit share one.
    if (q.places > 0 && jobs.front().group.empty()) q.folder = services_.journal.folder() + "/queue";
    if (q.places == 0) q = queue_of(jobs.front());
    std::vector<runs::record> out;
    for (auto& j : jobs) {
        ACT_CO_TRY_VOID(u.check());
        auto call = [&] { return start(std::move(j), data->links, gpus, q); };
        result<runs::record> started = co_await services_.runtime.blocking(call);
        if (!started) co_return started.error();
        out.push_back(std::move(*started));
    }
    co_return std::move(out);
}

local_driver::queue local_driver::queue_of(const job& j) {
    auto folder = j.details.find(detail::queue), places = j.details.find(detail::places);
    queue q;
    if (folder == j.details.end() || places == j.details.end()) return q;
    const std::string& number = places->second;
    std::from_chars(number.data(), number.data() + number.size(), q.places);
    if (q.places > 0) q.folder = folder->second;
    return q;
}

result<runs::record> local_driver::start(job j, const std::vector<agent::link>& links,
                                         const std::vector<std::string>& gpus, queue& q) {
    runs::record r;
    r.cluster = config_.name;
    r.platform = config_.platform;
    r.project = config_.root;
    r.experiment = j.experiment.value_or(config_.experiment_name);
    describe(j, r);
    auto keep_queue = [&](runs::record& x) {
        x.details[detail::queue] = q.folder;
        x.details[detail::places] = std::to_string(q.places);
    };
    if (!q.folder.empty()) keep_queue(r);
    ACT_TRY(r, services_.journal.add(std::move(r)));
    if (q.places > 0 && q.folder.empty()) {
        q.folder = r.folder + "/queue";
        ACT_TRY(r, services_.journal.update(r.id, keep_queue));
    }

    agent::spec s = spec_of(config_, j, r, links);
    s.nodes = j.layout.nodes;
    s.processes_per_node = j.layout.processes_per_node;
    s.gpus = j.layout.gpus;
    s.gpu_names = gpus;
    // The state folder may be shared by machines.
    s.gpu_folder = services_.journal.folder() + "/gpus/" + agent::host_name();
    s.mpirun = setting(config_, "mpirun") != "false";
    s.queue = q.folder;
    s.places = q.places;
    s.sleep_if_fail = config_.sleep_if_fail || j.hold;
    s.sleep_if_succeed = config_.sleep_if_succeed;
    std::string spec_file = r.folder + "/spec.json";
    auto started = [&]() -> result<void> {
        ACT_TRY_VOID(furnish(config_, services_, r, j.env, s));
        if (!s.deliveries.empty()) {
            ACT_TRY(r, services_.journal.update(
                           r.id, [](runs::record& x) { x.details[agent::delivered_detail] = "no"; }));
        }
        ACT_TRY_VOID(agent::write_spec(spec_file, s));
        return agent::start_supervisor(services_.executable, spec_file, services_.journal.folder());
    }();
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
        if (r.node != agent::host_name() || supervised(r)) return r;
        // It may have written the outcome since.
        ACT_TRY(r, services_.journal.find(given.id));
        if (runs::is_final(r.state)) return r;
        if (r.state == runs::state::running) agent::end_left_behind(r.id);
    }
    auto change = [](runs::record& x) {
        if (runs::is_final(x.state)) return;
        x.reason = x.pid == 0 ? "it was never started"
                              : "its supervisor ended before it: killed, or the machine was restarted";
        x.state = runs::state::failed;
        x.ended = now();
    };
    ACT_TRY(runs::record after, services_.journal.update(r.id, change));
    // The environment in it may hold secrets; a submitter that was killed did not remove it.
    if (runs::is_final(after.state)) ::unlink((r.folder + "/spec.json").c_str());
    return after;
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
    if (current->node != agent::host_name() && current->pid != 0) {
        co_return error(kind::unsupported, "run " + current->id + " is on the machine " + current->node,
                        "run the same command there");
    }
    if (current->state == runs::state::queued) {
        // Not taken over yet: before it does that, the supervisor looks at the state.
        current = services_.journal.update(current->id, [](runs::record& r) {
            if (r.state != runs::state::queued) return;
            r.state = runs::state::canceled;
            r.ended = now();
            r.reason = "cancelled";
        });
        if (!current) co_return current;
        if (runs::is_final(current->state)) {
            if (current->pid != 0) (void)agent::signal_process(current->pid, current->pid_started, SIGTERM);
            co_return current;
        }
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
