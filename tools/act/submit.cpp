#include <random>

#include <fmt/format.h>

#include "tools/act/ask.hpp"
#include "tools/act/job_data.hpp"
#include "tools/act/job_request.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/submit_tell.hpp"
#include "tools/act/sweep.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// More than this is worth a second look.
constexpr std::size_t large_sweep = 1000;

std::string new_group() {
    std::string date = to_iso8601(now());  // 2026-01-02T03:04:05Z
    std::erase_if(date, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
    std::random_device random;
    return fmt::format("sweep-{}-{:06x}", date.replace(8, 1, "-"), random() & 0xffffff);
}

result<std::vector<backend::job>> jobs_of(invocation& call, const cluster::config& c) {
    const options& given = call.given;
    backend::job plain;
    plain.command = command_given(call);
    ACT_TRY(plain.env, environment_given(call));
    ACT_TRY(plain.layout, backend::layout_of(c, given.num_gpu, given.single));
    plain.name = given.run_name;
    plain.experiment = given.experiment;
    plain.asked_gpus = given.num_gpu;
    plain.single = given.single;
    plain.hold = given.hold;
    const bool shell = given.seen.find("--shell") != given.seen.end();

    const std::string file = given.sweep_file.empty() ? "" : call.world.absolute(given.sweep_file);
    ACT_TRY(auto points, sweep_points(given.sweep, file));
    std::vector<backend::job> out;
    if (points.empty()) out.push_back(plain);
    if (!points.empty()) plain.group = new_group();
    for (const auto& point : points) {
        backend::job job = plain;
        job.point = to_text(point);
        job.command = shell ? std::vector<std::string>{"sh", "-c", shell_line_at(given.shell_line, point)}
                            : command_at(call.words, point);
        for (const auto& [name, value] : point) job.env[sweep_variable(name)] = value;
        out.push_back(std::move(job));
    }
    return out;
}

result<bool> agree_to(invocation& call, std::size_t count) {
    if (count <= large_sweep || call.given.yes || call.given.dry_run) return true;
    if (!call.world.can_ask())
        return error(kind::usage, fmt::format("the sweep has {} runs", count),
                     "add --yes if that is meant, or --dry-run to see them");
    return yes_to(call, fmt::format("submit {} runs?", count));
}

task<result<std::vector<runs::record>>> start(backend::driver& driver, std::vector<backend::job> jobs,
                                              unsigned max_parallel, act::until u) {
    const bool alone = jobs.front().group.empty() && max_parallel == 0;
    if (!alone) co_return co_await driver.submit_all(std::move(jobs), max_parallel, u);
    auto one = co_await driver.submit(std::move(jobs.front()), u);
    if (!one) co_return one.error();
    std::vector<runs::record> out;
    out.push_back(std::move(*one));
    co_return std::move(out);
}

// What was started before something went wrong runs on, or has ended already: its ids must not be lost.
int give_up_after(invocation& call, const runs::journal& journal, const std::string& group, const error& e) {
    std::vector<runs::record> started;
    if (auto all = journal.list(); all && !group.empty()) {
        for (auto r = all->rbegin(); r != all->rend(); ++r) {
            const bool never = r->state == runs::state::failed && r->started == wall_time{};
            if (r->group == group && !never) started.push_back(*r);
        }
    }
    if (!started.empty()) tell_submitted(call, started);
    return give_up(call, e);
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    // Before anything is packed and sent for it; what would be sent is told all the same.
    if (auto can = backend::check_platform(*cluster); !can && !call.given.dry_run)
        return give_up(call, can.error());
    auto jobs = jobs_of(call, *cluster);
    if (!jobs) return give_up(call, jobs.error());
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    auto agreed = agree_to(call, jobs->size());
    if (!agreed) return give_up(call, agreed.error());
    if (!*agreed) {
        call.screen.problem("nothing was submitted");
        return done(call, exit_code(kind::stopped));
    }
    int code = 0;
    auto packed = code_for(call, state->archives, *cluster, call.given.pack_first, code);
    if (!packed) return code;
    for (auto& job : *jobs) {
        job.code = *packed;
        job.archive = state->archives + "/" + *packed + ".zip";
    }
    if (call.given.dry_run) return tell_plan(call, *cluster, *jobs);
    session s(call, std::move(*cluster));
    job_data data(call, s);
    backend::services services = services_for(call, state->journal, s.runtime());
    services.data = &data;
    auto driver = backend::make_driver(s.cluster(), services);
    if (!driver) return give_up(call, driver.error());
    const std::string group = jobs->front().group;
    auto submitted = s.runtime().run(start(**driver, std::move(*jobs), call.given.max_parallel, s.until()));
    if (!submitted) return give_up_after(call, state->journal, group, submitted.error());
    tell_submitted(call, *submitted);
    if (!call.given.wait) return done(call, 0);
    return group.empty() ? wait_for(call, s, **driver, submitted->front())
                         : wait_for_all(call, s, **driver, *submitted);
}

constexpr example examples[] = {
    {"act submit python3 train.py --lr 0.1 data/voc20",
     "every word reaches the program exactly as it stands here"},
    {"act submit --wait python3 count.py data/x", "stream its output and exit with its code"},
    {"act submit --init --name first python3 train.py", "with the code as it is now"},
    {"act -c eu -n 8 submit python3 train.py", "on cluster eu, with 8 GPUs"},
    {"act submit --shell 'make && ./run | tee log'", "a line for the shell"},
    {"act submit --sweep lr=0.1,0.01 --sweep seed=1..5 --max-parallel 2 python3 train.py",
     "ten runs, two at a time, each with its --lr and --seed"},
    {"act submit --sweep-file points.csv ./run --out output/{name} {size}",
     "a run for each row; {name} and {size} are its columns"},
    {"act submit --dry-run python3 train.py", "show all that would be sent"},
};

}  // namespace

constinit const verb submit_verb{
    .name = "submit",
    .usage = "COMMAND [ARGUMENT...]",
    .sentence = "Run a command on the cluster, with the code of the last `act init` and the data in place.",
    .takes = takes::command,
    .run = run,
    .examples = examples,
    .note =
        "`act local COMMAND` tries the same here first, in front of the terminal.\n"
        "From COMMAND on, everything belongs to the command; options of act stand before it.\n"
        "On a terminal, Ctrl-C ends the waiting, not the run. In a sweep, {NAME} stands for the value of a\n"
        "parameter; one that stands nowhere is appended as --NAME VALUE (not to a line of --shell). Each is "
        "in\n"
        "the environment as ACT_SWEEP_NAME. With --wait the exit code of a sweep is that of its worst run.\n"
        "Fetched data stays for later runs. When it takes more than the variable ACT_DATA_CACHE=SIZE or\n"
        "data_cache: SIZE in the cluster file says, else more than the disk has free, what was used longest\n"
        "ago is removed, unless a run needs it.",
};

}  // namespace act::cli
