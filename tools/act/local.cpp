#include <fcntl.h>
#include <optional>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "engine/file/tree_removal.hpp"
#include "submit/agent/foreground.hpp"
#include "submit/backend/foreground.hpp"
#include "tools/act/job_data.hpp"
#include "tools/act/job_request.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "transfer/ops/operation.hpp"

namespace act::cli {

namespace {

/// Data that is only in the store is not fetched without a word from the user: it may be a terabyte.
class data_here : public job_data {
public:
    data_here(invocation& call, session& s) : job_data(call, s), session_(s) {}

    task<result<fetched>> fetch(cluster::location from, std::string to, act::until u) override {
        if (from.map->mode == "download") co_return co_await job_data::fetch(from, std::move(to), u);
        const std::string path = from.relative;
        auto opened = co_await session_.runtime().blocking([&] { return session_.account_of(*from.map); });
        if (!opened) co_return opened.error();
        ops::remote there{*(*opened)->client, (*opened)->settings.container, from.blob_path};
        auto seen = co_await ops::anything_at(there, u);
        if (seen ? !*seen : seen.error().kind() == kind::not_found) co_return fetched::nothing;
        if (!seen) co_return error(seen.error()).in("looking for " + path + " in the store");
        const bool whole = path.find('/') == std::string::npos;
        co_return error(kind::not_found, path + " is in the store and not on this machine",
                        whole ? fmt::format("fetch what the command needs of it: act d {0}; or, if it only "
                                            "writes there: mkdir {0}",
                                            path)
                              : fmt::format("fetch it: act d {}", path));
    }

private:
    session& session_;
};

// Empty: outside of the image, which is said.
stage::container_program container_program(invocation& call, const cluster::config& c) {
    const std::string image = backend::image_of(c);
    if (image.empty() || call.given.no_docker) return {};
    const auto found = stage::find_container_program({});
    if (found.name.empty()) {
        call.screen.problem(
            fmt::format("there is no docker here: running outside of the image {}", printable(image)));
    }
    return found;
}

// From here on the process is the run: what is to be held until its end goes with it.
int become(invocation& call, const backend::foreground_run& ready) {
    for (const auto& each : ready.held) ::fcntl(each.get(), F_SETFD, 0);
    call.screen.flush();
    const error failed = agent::become_foreground(call.world.executable, ready.spec_file);
    (void)file::remove_tree(ready.work);
    return give_up(call, failed);
}

int run(invocation& call) {
    if (!call.world.owns_process || call.world.executable.empty())
        return give_up(call, error(kind::unsupported, "`act local` takes a process of its own"));
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    backend::job job;
    job.command = command_given(call);
    auto env = environment_given(call);
    if (!env) return give_up(call, env.error());
    job.env = std::move(*env);
    // Where there are none the number counts processes, and here there is one.
    if (cluster->gpu_per_node > 0 || call.given.num_gpu == 0) job.asked_gpus = call.given.num_gpu;
    auto state = open_job_state(call.world);
    if (!state) return give_up(call, state.error());
    int code = 0;
    auto packed = code_for(call, state->archives, *cluster, !call.given.as_packed, code);
    if (!packed) return code;
    job.code = *packed;
    job.archive = state->archives + "/" + *packed + ".zip";

    backend::foreground_options how;
    how.container_program = container_program(call, *cluster);
    how.terminal = call.world.in_is_terminal && call.world.out_is_terminal && call.world.problems_is_terminal;
    how.keep = call.given.keep;
    std::optional<backend::foreground_run> ready;
    {
        session s(call, std::move(*cluster));
        data_here data(call, s);
        backend::services services = services_for(call, state->journal, s.runtime());
        services.data = &data;
        auto prepared = s.runtime().run(
            backend::prepare_foreground(s.cluster(), std::move(job), services, how, s.until()));
        if (!prepared) return give_up(call, prepared.error());
        ready = std::move(*prepared);
    }
    return become(call, *ready);
}

constexpr example examples[] = {
    {"act local python3 train.py --steps 10",
     "the code as it is now, as a node of the default cluster has it"},
    {"act -c eu local python3 train.py data/voc20", "with cluster eu's env, image and folders"},
    {"act -n 1 local --env DEBUG=1 --shell 'make && ./run'", "with one GPU, and a line for the shell"},
    {"act local --keep ./run", "leave the tree that it ran in"},
};

}  // namespace

constinit const verb local_verb{
    .name = "local",
    .usage = "COMMAND [ARGUMENT...]",
    .sentence = "Run a command here and now as a node of the cluster would, before paying for one.",
    .takes = takes::command,
    .run = run,
    .examples = examples,
    .note =
        "The code is packed as by `act init` (and sent to code_path, if it changed), unpacked, set up\n"
        "(requirements.txt, compile.aml.sh) and run by one process in front of the terminal, with the\n"
        "cluster's env and all GPUs, or N by -n (0: none). The exit code is the command's. Ctrl-C ends\n"
        "all of it: what does not go within 10 s, or at the second, is killed. Then the tree is removed,\n"
        "unless the command has written files there that are in no folder X: they are named, and stay.\n"
        "A data folder X that is here is linked; one that is only in the store is fetched with\n"
        "`mode: download`, else named: `act d X`. What the command makes in a folder with\n"
        "`mode: upload` stays here, in X/RUN; what it makes in another X is in X. Nothing but the code\n"
        "goes to the store.\n"
        "Where docker.image names an image, and docker or podman is here, it all happens in that image, as\n"
        "the user that you are (so, unlike on a node, not as root).",
};

}  // namespace act::cli
