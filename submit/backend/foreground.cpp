#include "submit/backend/foreground.hpp"

#include <algorithm>
#include <unistd.h>

#include "engine/file/tree_removal.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/work_folder.hpp"
#include "submit/backend/container.hpp"
#include "submit/backend/data.hpp"
#include "submit/backend/environment.hpp"

namespace act::backend {

namespace {

/// Those that the job sees, of these.
std::vector<std::string> choose_gpus(const job& j, std::vector<std::string> here, const services& with) {
    const auto wanted = static_cast<std::size_t>(std::max(0, j.asked_gpus.value_or(0)));
    if (!j.asked_gpus || wanted == here.size()) return here;
    if (wanted < here.size()) {
        here.resize(wanted);
    } else if (with.note) {
        with.note("this machine has " + std::to_string(here.size()) + " of the " + std::to_string(wanted) +
                  " GPUs");
    }
    return here;
}

task<result<std::vector<std::string>>> find_gpus(const job& j, const services& with, const until& u) {
    if (j.asked_gpus == 0) co_return std::vector<std::string>();
    auto ask = [&] { return agent::list_gpus(u); };
    result<std::vector<std::string>> here = co_await with.runtime.blocking(ask);
    if (here) co_return choose_gpus(j, std::move(*here), with);
    if (j.asked_gpus || !u.check()) co_return here.error();
    if (with.note) with.note("running without GPUs: " + here.error().message());
    co_return std::vector<std::string>();
}

/// What the image's own environment cannot know of a user that it has never seen.
void introduce_user(const services& with, agent::spec& s) {
    s.env.emplace("HOME", s.work + "/tmp");
    const auto name = with.environment.find("USER");
    s.env.emplace("USER", name == with.environment.end() ? "user" : name->second);
    for (const auto& [key, value] : s.env) {
        if (cluster::names_secret(key)) s.carried.push_back(key);
    }
}

result<void> write_run(const cluster::config& c, const job& j, const services& with,
                       const foreground_options& how, const std::vector<agent::link>& links,
                       const std::vector<std::string>& gpus, const runs::record& r) {
    agent::spec s = spec_of(c, j, r, links);
    s.foreground = true;
    s.keep = how.keep;
    s.gpus = r.gpus;
    s.gpu_names = gpus;
    ACT_TRY_VOID(file::make_directories(s.logs));
    ACT_TRY_VOID(furnish_here(c, r, j.env, s));
    // Else the command would find them by itself.
    if (j.asked_gpus == 0) s.env.emplace("CUDA_VISIBLE_DEVICES", "");
    if (!how.container_program.name.empty()) {
        introduce_user(with, s);
        const container in{.program = how.container_program.name,
                           .podman = how.container_program.podman,
                           .image = image_of(c),
                           .terminal = how.terminal,
                           .gpus = !gpus.empty(),
                           .user = ::geteuid(),
                           .group = ::getegid(),
                           .groups = other_groups()};
        s.container = command_of(in, s, with.executable);
        s.container_name = name_of_container(s.run);
    }
    return agent::write_spec(r.folder + "/run.json", s);
}

}  // namespace

std::string image_of(const cluster::config& c) {
    auto found = c.other.find("docker.image");
    return found == c.other.end() ? std::string() : found->second;
}

task<result<foreground_run>> prepare_foreground(const cluster::config& c, job j, services& with,
                                                foreground_options how, until u) {
    std::vector<job> jobs;
    jobs.push_back(std::move(j));
    auto data = co_await place_data(c, jobs, with, u);
    if (!data) co_return data.error();
    auto gpus = co_await find_gpus(jobs.front(), with, u);
    if (!gpus) co_return gpus.error();
    const std::string below = with.journal.folder() + "/local";
    runs::record r;
    r.id = runs::new_id(now());
    r.name = jobs.front().name;
    r.gpus = static_cast<int>(gpus->size());
    r.folder = below + "/" + r.id;
    r.logs = r.folder + "/logs";
    auto make = [&]() -> result<void> {
        ACT_TRY_VOID(file::make_directories(below));
        for (const auto& line : agent::remove_left_behind(below)) {
            if (with.note) with.note(line);
        }
        const bool contained = !how.container_program.name.empty();
        ACT_TRY(auto held, agent::make_work_folder(r.folder, how.container_program.name,
                                                   contained ? name_of_container(r.id) : std::string()));
        data->held.push_back(std::move(held));
        auto written = write_run(c, jobs.front(), with, how, data->links, *gpus, r);
        if (!written) (void)file::remove_tree(r.folder);
        return written;
    };
    result<void> made = co_await with.runtime.blocking(make);
    if (!made) co_return made.error();
    foreground_run out;
    out.work = r.folder;
    out.spec_file = r.folder + "/run.json";
    out.held = std::move(data->held);
    co_return std::move(out);
}

}  // namespace act::backend
