#include <algorithm>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/file/copy.hpp"
#include "submit/backend/data.hpp"
#include "submit/backend/environment.hpp"
#include "submit/backend/slurm.hpp"

namespace act::backend::slurm {
namespace {

/// MaxArraySize is 1001 unless the site says otherwise.
constexpr std::size_t largest_array = 1000;

/// The executable where the nodes see it: a copy for each build, so that a new version replaces none that a
/// waiting job needs.
result<std::string> agent_in(const std::string& state_folder, const std::string& executable) {
    ACT_TRY(auto info, file::stat_of(executable));
    auto made = std::chrono::duration_cast<std::chrono::nanoseconds>(info.modified.time_since_epoch());
    std::string target = fmt::format("{}/agent/act-{:x}-{:x}", state_folder, info.size, made.count());
    if (::access(target.c_str(), X_OK) == 0) return target;
    ACT_TRY_VOID(file::copy(executable, target, 0700, {}));
    return target;
}

result<void> write_script(const std::string& path, const std::string& text) {
    ACT_TRY(auto out, file::aside::create(path));
    ACT_TRY_VOID(file::write_at(out.fd(), std::as_bytes(std::span(text)), 0, path));
    return out.publish(0600, now());
}

std::string title_of(const runs::record& r) {
    std::string name = r.name.empty() ? std::filesystem::path(r.command.front()).filename().string() : r.name;
    std::replace_if(
        name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '_');
    return name.empty() ? "act" : name.substr(0, 100);
}

}  // namespace

task<result<std::vector<runs::record>>> slurm_driver::submit_all(std::vector<job> jobs, unsigned max_parallel,
                                                                 until u) {
    for (const auto& j : jobs) {
        if (j.command.empty())
            co_return error(kind::usage, "there is no command to run", "act submit COMMAND ARGUMENTS...");
        if (j.layout != jobs.front().layout) {
            co_return error(kind::usage, "the jobs of an array ask for different numbers of processes",
                            "submit them one by one");
        }
    }
    auto check = [&] { return check_deliveries(config_, services_, programs_.carried()); };
    result<void> deliverable = co_await services_.runtime.blocking(check);
    if (!deliverable) co_return deliverable.error();
    // Until the end: what is fetched must not go before all records say that it is needed.
    const auto data = co_await place_data(config_, jobs, services_, u);
    if (!data) co_return data.error();
    std::vector<runs::record> out;
    std::string before;
    for (std::size_t from = 0; from < jobs.size(); from += largest_array) {
        ACT_CO_TRY_VOID(u.check());
        auto begin = std::make_move_iterator(jobs.begin() + static_cast<std::ptrdiff_t>(from));
        std::vector<job> part(
            begin, begin + static_cast<std::ptrdiff_t>(std::min(largest_array, jobs.size() - from)));
        auto done = co_await submit_array(std::move(part), data->links, max_parallel, before, u);
        if (!done) co_return done.error();
        // The next array waits for this one, so that no more than max_parallel run.
        before =
            max_parallel > 0 ? done->front().backend_id.substr(0, done->front().backend_id.find('_')) : "";
        out.insert(out.end(), done->begin(), done->end());
    }
    co_return std::move(out);
}

task<result<std::vector<runs::record>>> slurm_driver::submit_array(std::vector<job> jobs,
                                                                   std::vector<agent::link> links,
                                                                   unsigned max_parallel, std::string after,
                                                                   until u) {
    script s;
    s.settings = settings_;
    s.layout = jobs.front().layout;
    s.max_parallel = max_parallel;
    s.after = std::move(after);
    s.mounts = {services_.journal.folder(), config_.root};
    for (const auto& link : links) s.mounts.push_back(link.target);
    s.mounts.push_back(std::filesystem::path(jobs.front().archive).parent_path().string());
    auto call = [&] { return prepare(std::move(jobs), std::move(links), s); };
    result<std::vector<runs::record>> records = co_await services_.runtime.blocking(call);
    if (!records) co_return records.error();
    auto id = co_await hand_over(*records, std::move(s), u);
    if (!id) {
        for (const auto& r : *records) (void)give_up(r, id.error());
        co_return id.error();
    }
    for (std::size_t i = 0; i < records->size(); ++i) {
        auto& r = (*records)[i];
        std::string mine = records->size() == 1 ? *id : fmt::format("{}_{}", *id, i);
        auto updated = services_.journal.update(r.id, [&](runs::record& x) { x.backend_id = mine; });
        if (!updated) co_return updated.error();
        r = std::move(*updated);
    }
    result<void> all_ended;
    for (const auto& r : *records) {
        // `act abort` may have come before the job had an id.
        if (!runs::is_final(r.state)) continue;
        forget_spec(r);
        auto ended = co_await end_job(r.backend_id, u);
        if (!ended && all_ended) all_ended = ended;
    }
    if (!all_ended) co_return all_ended.error();
    co_return records;
}

result<std::vector<runs::record>> slurm_driver::prepare(std::vector<job> jobs, std::vector<agent::link> links,
                                                        script& job_script) {
    // The nodes may not see this program where it is.
    ACT_TRY(const std::string there, agent_in(services_.journal.folder(), services_.executable));
    std::vector<runs::record> out;
    auto one = [&](job& j) -> result<void> {
        runs::record r;
        r.cluster = config_.name;
        r.platform = config_.platform;
        r.project = config_.root;
        r.experiment = j.experiment.value_or(config_.experiment_name);
        describe(j, r);
        remember_cluster(settings_, r);
        if (!out.empty()) {
            r.details["array"] = out.front().id;
            r.details["array_index"] = std::to_string(out.size());
        }
        ACT_TRY(r, services_.journal.add(std::move(r)));
        out.push_back(r);

        agent::spec s = spec_of(config_, j, r, links);
        ACT_TRY_VOID(furnish(config_, services_, r, j.env, s));
        for (auto& d : s.deliveries) {
            if (d.command.front() == services_.executable) d.command.front() = there;
        }
        job_script.delivers = !s.deliveries.empty();
        s.sleep_if_fail = config_.sleep_if_fail || j.hold;
        s.sleep_if_succeed = config_.sleep_if_succeed;
        s.ranked = true;
        return agent::write_spec(r.folder + "/spec.json", s);
    };
    for (auto& j : jobs) {
        auto made = one(j);
        if (made) continue;
        for (const auto& r : out) (void)give_up(r, made.error());
        return made.error();
    }
    return out;
}

task<result<std::string>> slurm_driver::hand_over(const std::vector<runs::record>& records, script s,
                                                  until u) {
    const runs::record& first = records.front();
    const std::string path = first.folder + "/" + script_file;
    auto write = [&]() -> result<void> {
        s.name = title_of(first);
        s.key = "act:" + first.id;
        for (const auto& r : records) s.runs.push_back(r.folder);
        ACT_TRY(s.agent, agent_in(services_.journal.folder(), services_.executable));
        return write_script(path, text_of(s));
    };
    result<void> written = co_await services_.runtime.blocking(write);
    if (!written) co_return written.error();
    auto said = co_await programs_.run({"sbatch", "--parsable", path}, u);
    if (!said) co_return said.error();
    // "123" or "123;cluster".
    std::string id = said->out.substr(0, said->out.find_first_of(";\n"));
    if (said->code == 0 && !id.empty() && id.find_first_not_of("0123456789") == std::string::npos)
        co_return id;
    if (said->code == 0) {
        co_return error(
            kind::unavailable,
            "sbatch " + programs_.where() + " does not tell the job's id: " + first_line(said->out),
            "act looks for the job by its comment: see act q " + first.id);
    }
    co_return error(kind::configuration,
                    "sbatch " + programs_.where() + " did not take the job: " + first_line(said->err),
                    "the script is " + path + "; its options come from slurm: in the cluster file");
}

result<runs::record> slurm_driver::give_up(const runs::record& r, const error& why) {
    // sbatch may have been heard all the same: `status` looks for the job, and gives up when it has not come.
    const bool unsure =
        why.kind() == kind::stopped || why.kind() == kind::timeout || why.kind() == kind::unavailable;
    auto change = [&](runs::record& x) {
        // Who looks from elsewhere may have waited longer than sbatch.
        if (runs::is_final(x.state) || !x.backend_id.empty()) return;
        x.reason = unsure ? "its submission was interrupted: " + why.message() : why.message();
        if (unsure) return;
        x.state = runs::state::failed;
        x.ended = now();
    };
    ACT_TRY(runs::record after, services_.journal.update(r.id, change));
    forget_spec(after);
    return after;
}

void slurm_driver::forget_spec(const runs::record& r) {
    if (runs::is_final(r.state)) ::unlink((r.folder + "/spec.json").c_str());
}

}  // namespace act::backend::slurm
