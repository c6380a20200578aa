#include "submit/backend/backend.hpp"

#include <algorithm>

#include "submit/backend/local.hpp"
#include "submit/backend/slurm.hpp"

namespace act::backend {
namespace {

error no_driver(const std::string& platform) {
    bool internal = platform == "itp" || platform == "singularity";
    std::string why = internal ? "is internal to Microsoft and has no public interface"
                               : "cannot be submitted to by this version";
    return error(kind::unsupported, "the platform '" + platform + "' " + why,
                 internal
                     ? "use `platform: aml` with a compute target of your workspace"
                     : "write `platform: local` (this machine) or `platform: slurm` into the cluster file");
}

}  // namespace

void describe(const job& j, runs::record& r) {
    r.command = j.command;
    r.code = j.code;
    r.name = j.name;
    r.group = j.group;
    r.point = j.point;
    r.details = j.details;
    // A record is kept for long. A sweep's variables ("num_tokens") are in its command and its point anyway.
    std::string not_kept;
    for (const auto& [key, value] : j.env) {
        if (!cluster::names_secret(key) || key.starts_with("ACT_SWEEP_")) {
            r.env[key] = value;
        } else {
            not_kept += (not_kept.empty() ? "" : "\n") + key;
        }
    }
    if (!not_kept.empty()) r.details[detail::env_not_kept] = not_kept;
    r.asked_gpus = j.asked_gpus;
    r.single = j.single;
    r.hold = j.hold;
    r.gpus = j.layout.gpus;
    r.nodes = j.layout.nodes;
    r.processes_per_node = j.layout.processes_per_node;
}

result<void> check_platform(const cluster::config& c) {
    if (c.platform != "local" && c.platform != "slurm") return no_driver(c.platform);
    return {};
}

result<std::unique_ptr<driver>> make_driver(const cluster::config& c, services s) {
    ACT_TRY_VOID(check_platform(c));
    if (c.platform == "slurm") return slurm::make_driver(c, std::move(s));
    return std::unique_ptr<driver>(std::make_unique<local_driver>(c, std::move(s)));
}

result<std::unique_ptr<driver>> make_driver(const runs::record& r, services s) {
    if (r.platform != "local" && r.platform != "slurm") return no_driver(r.platform);
    cluster::config c;
    c.name = r.cluster;
    c.platform = r.platform;
    c.root = r.project;
    if (r.platform == "slurm") slurm::recall_cluster(r, c);
    return make_driver(c, std::move(s));
}

task<result<runs::record>> driver::submit(job j, until u) {
    std::vector<job> one;
    one.push_back(std::move(j));
    auto all = co_await submit_all(std::move(one), 0, u);
    if (!all) co_return all.error();
    co_return std::move(all->front());
}

task<std::vector<result<runs::record>>> driver::status_all(std::vector<runs::record> all, until u) {
    std::vector<result<runs::record>> out;
    for (auto& r : all) out.push_back(co_await status(std::move(r), u));
    co_return std::move(out);
}

task<result<runs::record>> follow(driver& d, runs::record r, log_sink sink, until u) {
    log_reader read = [&d](const runs::record& x, log_position& position, log_sink to, until limit) {
        return d.logs(x, position, std::move(to), limit);
    };
    return follow(d, std::move(r), std::move(read), std::move(sink), u);
}

task<result<runs::record>> follow(driver& d, runs::record r, log_reader read, log_sink sink, until u) {
    using namespace std::chrono_literals;
    constexpr auto shortest = 5ms, longest = 200ms, between_tries = 1000ms;
    // A back end that is restarted is no reason to lose sight of a run of days.
    constexpr auto patience = 10min;
    steady::time_point answered = steady::now();
    log_position position;
    bool news = false;
    auto pass_on = [&](stream s, std::string_view text) {
        news = true;
        if (sink) sink(s, text);
    };
    for (steady::duration pause = shortest;;) {
        // The state first: what was written before the end is then sure to be seen.
        auto now_is = co_await d.status(r, u);
        if (!now_is) {
            bool again = now_is.error().kind() == kind::unavailable && steady::now() - answered < patience;
            if (!again) co_return now_is.error();
            ACT_CO_TRY_VOID(co_await sleep_for(between_tries, u));
            continue;
        }
        answered = steady::now();
        r = *now_is;
        news = false;
        if (sink) {
            ACT_CO_TRY_VOID(co_await read(r, position, pass_on, u));
        }
        if (runs::is_final(r.state)) co_return r;
        pause = news ? steady::duration(shortest) : std::min<steady::duration>(pause * 3 / 2, longest);
        ACT_CO_TRY_VOID(co_await sleep_for(pause, u));
    }
}

int exit_code_of(const runs::record& r) {
    switch (r.state) {
        case runs::state::completed:
            return 0;
        case runs::state::canceled:
            return 130;
        default:
            return r.exit_code && *r.exit_code != 0 ? *r.exit_code : 1;
    }
}

}  // namespace act::backend
