#include "submit/backend/slurm.hpp"

#include <filesystem>
#include <set>
#include <unistd.h>

#include "engine/core/text.hpp"
#include "engine/file/file.hpp"
#include "submit/backend/environment.hpp"
#include "submit/backend/logs.hpp"

namespace act::backend::slurm {
namespace {

using namespace std::chrono_literals;

constexpr auto between_questions = 2s;
/// How long a run may be without a job after its script was written: sbatch alone may take two minutes.
constexpr auto start_patience = 10min;
/// Jobs of one question: the ids stand in one argument, which may have 128 KiB.
constexpr std::size_t most_at_once = 1000;

traces read_traces(const std::string& folder) {
    // Over NFS a file that was looked for in vain seems missing for a while; reading the folder shows it.
    std::error_code ignored;
    for (std::filesystem::directory_iterator i(folder, ignored), end; !ignored && i != end;)
        i.increment(ignored);
    traces out;
    if (auto text = file::read_all(folder + "/" + started_file, 64 << 10)) take_started(*text, out);
    if (auto text = file::read_all(folder + "/" + ended_file, 4096)) take_ended(*text, out);
    if (auto text = file::read_all(folder + "/failure.txt", 64 << 10)) out.failure = *text;
    if (std::filesystem::exists(folder + "/outputs", ignored)) out.outputs = folder + "/outputs";
    out.logs = std::filesystem::exists(folder + "/" + logs_copy, ignored);
    return out;
}

/// The run whose folder has the script: of an array the first.
const std::string& first_of_array(const runs::record& r) {
    auto first = r.details.find("array");
    return first == r.details.end() ? r.id : first->second;
}
/// The comment of the job, by which it can be found again, and its place in an array.
std::string key_of(const runs::record& r) { return "act:" + first_of_array(r); }
std::string index_of(const runs::record& r) {
    auto at = r.details.find("array_index");
    return at == r.details.end() ? "0" : at->second;
}

bool is_unknown_job(const std::string& err) { return err.find("Invalid job id") != std::string::npos; }

}  // namespace

slurm_driver::slurm_driver(cluster::config c, settings given, services s)
    : config_(std::move(c)),
      settings_(std::move(given)),
      services_(std::move(s)),
      programs_(services_.runtime, services_.environment, settings_.ssh) {}

result<std::unique_ptr<driver>> make_driver(const cluster::config& c, services s) {
    ACT_TRY(settings given, settings_of(c));
    return std::unique_ptr<driver>(std::make_unique<slurm_driver>(c, std::move(given), std::move(s)));
}

void remember_cluster(const settings& s, runs::record& r) {
    if (!s.ssh.empty()) r.details[detail::slurm_ssh] = s.ssh;
}

void recall_cluster(const runs::record& r, cluster::config& c) {
    if (auto at = r.details.find(detail::slurm_ssh); at != r.details.end())
        c.other[detail::slurm_ssh] = at->second;
}

task<result<std::vector<job_info>>> slurm_driver::ask_squeue(const std::vector<std::string>& ids, until u) {
    auto said = co_await programs_.run({"squeue", "--noheader", "--array", "--states=all",
                                        "--jobs=" + join(ids, ","), "--format", squeue_format},
                                       u);
    if (!said) co_return said.error();
    if (said->code != 0 && !is_unknown_job(said->err))
        co_return error(kind::unavailable, "squeue " + programs_.where() + ": " + first_line(said->err));
    std::vector<job_info> out;
    for (const auto& line : split(said->out, '\n')) {
        if (auto j = parse_squeue(line)) out.push_back(std::move(*j));
    }
    if (said->code == 0 || ids.size() == 1) co_return out;
    // It complains of one and leaves out all: the others are asked about by themselves.
    for (const auto& id : ids) {
        auto one = co_await ask_squeue({id}, u);
        if (!one) co_return one.error();
        out.insert(out.end(), one->begin(), one->end());
    }
    co_return out;
}

task<result<std::vector<job_info>>> slurm_driver::ask_sacct(const std::vector<std::string>& ids, until u) {
    std::vector<job_info> out;
    auto said = co_await programs_.run({"sacct", "--noheader", "--parsable2", "--allocations",
                                        "--jobs=" + join(ids, ","), std::string("--format=") + sacct_format},
                                       u);
    // An answer that nobody waited for is none.
    if (!said && (said.error().kind() == kind::stopped || said.error().kind() == kind::timeout))
        co_return said.error();
    // Many clusters have no accounting, or not the program.
    if (!said || said->code != 0) co_return out;
    for (const auto& line : split(said->out, '\n')) {
        if (auto j = parse_sacct(line)) out.push_back(std::move(*j));
    }
    co_return out;
}

/// squeue knows what waits, runs or has ended some minutes ago; sacct, where there is accounting, the rest;
/// and squeue again what is left of the arrays of tasks that neither knows. A task that is twice missing in
/// squeue's answers while its array is there has been cancelled.
task<result<void>> slurm_driver::ask(std::vector<std::string> ids, until u) {
    std::erase_if(ids, [&](const std::string& id) {
        auto known = answers_.find(id);
        return known != answers_.end() && steady::now() - known->second.at < between_questions;
    });
    for (std::size_t from = 0; from < ids.size(); from += most_at_once) {
        auto begin = ids.begin() + static_cast<std::ptrdiff_t>(from);
        std::vector<std::string> open(
            begin, begin + static_cast<std::ptrdiff_t>(std::min(most_at_once, ids.size() - from)));
        const std::vector<std::string> asked = open;
        std::map<std::string, job_info> found;
        auto take = [&](const std::vector<job_info>& jobs) {
            std::erase_if(open, [&](const std::string& id) {
                const job_info* job = find_job(jobs, id);
                if (job) found[id] = *job;
                return job != nullptr;
            });
        };
        auto now_there = co_await ask_squeue(open, u);
        if (!now_there) co_return now_there.error();
        take(*now_there);
        if (!open.empty()) {
            auto past = co_await ask_sacct(open, u);
            if (!past) co_return past.error();
            take(*past);
        }
        std::set<std::string> arrays;
        for (const auto& id : open) arrays.insert(array_of(id));
        arrays.erase("");
        if (!arrays.empty()) {
            auto left = co_await ask_squeue({arrays.begin(), arrays.end()}, u);
            if (!left) co_return left.error();
            take(*left);
            for (const auto& id : open) {
                if (auto missing = missing_task(*left, id)) found[id] = std::move(*missing);
            }
        }
        for (const auto& id : asked) {
            auto job = found.find(id);
            answers_[id] = {steady::now(), job == found.end() ? std::nullopt : std::optional(job->second)};
        }
    }
    co_return result<void>();
}

/// The id of a job whose submission was interrupted before it was written down; empty when there is none.
task<result<std::string>> slurm_driver::find_again(runs::record r, until u) {
    if (all_asked_ == steady::time_point{} || steady::now() - all_asked_ >= between_questions) {
        auto said = co_await programs_.run(
            {"squeue", "--noheader", "--array", "--states=all", "--me", "--format", "%F|%K|%k"}, u);
        if (!said) co_return said.error();
        if (said->code != 0)
            co_return error(kind::unavailable, "squeue " + programs_.where() + ": " + first_line(said->err));
        all_ = split(said->out, '\n');
        all_asked_ = steady::now();
    }
    for (const auto& line : all_) {
        auto first = line.find('|');
        auto second = line.find('|', first + 1);
        if (second == std::string::npos || line.substr(second + 1) != key_of(r)) continue;
        std::string index = line.substr(first + 1, second - first - 1);
        if (index == "N/A") co_return line.substr(0, first);
        if (index == index_of(r)) co_return line.substr(0, first) + "_" + index;
    }
    co_return std::string();
}

task<result<slurm_driver::view>> slurm_driver::begin_look(runs::record given, until u) {
    ACT_CO_TRY_VOID(u.check());
    auto find = [&] { return services_.journal.find(given.id); };
    result<runs::record> found = co_await services_.runtime.blocking(find);
    if (!found) co_return found.error();
    view v;
    v.run = std::move(*found);
    if (runs::is_final(v.run.state)) co_return std::move(v);
    auto read = [&] { return read_traces(v.run.folder); };
    v.left = co_await services_.runtime.blocking(read);
    v.id = v.run.backend_id.empty() ? v.left.job.value_or("") : v.run.backend_id;
    if (v.id.empty()) {
        auto again = co_await find_again(v.run, u);
        if (!again) co_return again.error();
        v.id = *again;
    }
    if (v.id.empty()) {
        auto since = [&] { return preparing_since(v.run); };
        const wall_time at = co_await services_.runtime.blocking(since);
        if (now() - at < start_patience) co_return std::move(v);
        auto given_up = give_up(v.run, error(kind::internal, "it was never handed over to Slurm"));
        if (!given_up) co_return given_up.error();
        v.run = std::move(*given_up);
    } else {
        v.asks = !settled(v.left, v.run);
    }
    co_return std::move(v);
}

task<result<runs::record>> slurm_driver::end_look(view v) {
    if (v.id.empty()) co_return std::move(v.run);
    std::optional<job_info> job;
    if (v.asks) {
        job = answers_[v.id].job;
        // What it left may have come between the two looks.
        auto read = [&] { return read_traces(v.run.folder); };
        v.left = co_await services_.runtime.blocking(read);
    }
    auto write = [&] { return bring_up_to_date(v.run, v.id, job, v.left); };
    co_return co_await services_.runtime.blocking(write);
}

task<result<runs::record>> slurm_driver::look(runs::record given, until u) {
    auto seen = co_await begin_look(std::move(given), u);
    if (!seen) co_return seen.error();
    if (seen->asks) {
        ACT_CO_TRY_VOID(co_await ask({seen->id}, u));
    }
    co_return co_await end_look(std::move(*seen));
}

task<std::vector<result<runs::record>>> slurm_driver::status_all(std::vector<runs::record> all, until u) {
    std::vector<result<view>> seen;
    std::vector<std::string> ids;
    for (auto& r : all) {
        seen.push_back(co_await begin_look(std::move(r), u));
        if (seen.back() && seen.back()->asks) ids.push_back(seen.back()->id);
    }
    const result<void> answered = co_await ask(std::move(ids), u);
    std::vector<result<runs::record>> out;
    for (auto& each : seen) {
        if (!each) {
            out.push_back(each.error());
        } else if (each->asks && !answered) {
            out.push_back(answered.error());
        } else {
            out.push_back(co_await end_look(std::move(*each)));
        }
    }
    co_return std::move(out);
}

/// The script is written just before sbatch is called; many runs of one array take their time before.
wall_time slurm_driver::preparing_since(const runs::record& r) {
    auto first = services_.journal.find(first_of_array(r));
    auto script = file::stat_of((first ? first->folder : r.folder) + "/" + script_file);
    return script ? std::max(script->modified, r.submitted) : r.submitted;
}

result<runs::record> slurm_driver::bring_up_to_date(const runs::record& r, const std::string& id,
                                                    const std::optional<job_info>& job, const traces& left) {
    auto change = [&](runs::record& x) {
        if (runs::is_final(x.state)) return;
        x.backend_id = id;
        apply(x, job, left, now());
    };
    ACT_TRY(runs::record after, services_.journal.update(r.id, change));
    forget_spec(after);
    return after;
}

task<result<runs::record>> slurm_driver::status(runs::record r, until u) { co_return co_await look(r, u); }

task<result<void>> slurm_driver::logs(runs::record r, log_position& position,
                                      std::function<void(stream, std::string_view)> sink, until u) {
    const std::vector<log_file> files = {{"setup.txt", stream::err},
                                         {"stdout.txt", stream::out},
                                         {"stderr.txt", stream::err},
                                         {"slurm.txt", stream::err}};
    co_return co_await pass_on_logs(services_.runtime, r.logs, files, position, std::move(sink), u);
}

task<result<void>> slurm_driver::end_job(std::string id, until u) {
    auto sent = co_await programs_.run({"scancel", id}, u);
    if (!sent) co_return sent.error();
    // A job that Slurm does not know any more has ended, which its state will tell.
    if (sent->code == 0 || is_unknown_job(sent->err)) co_return result<void>();
    co_return error(kind::permission,
                    "scancel " + programs_.where() + " did not end job " + id + ": " + first_line(sent->err));
}

task<result<runs::record>> slurm_driver::cancel(runs::record given, until u) {
    auto current = co_await look(given, u);
    if (!current || runs::is_final(current->state)) co_return current;
    if (current->backend_id.empty()) {
        // Not handed over yet: `submit` looks at the state when it has been.
        current = services_.journal.update(current->id, [](runs::record& r) {
            if (runs::is_final(r.state) || !r.backend_id.empty()) return;
            request_cancel(r);
            r.state = runs::state::canceled;
            r.ended = now();
            r.reason = "cancelled";
        });
        if (current) forget_spec(*current);
        if (!current || runs::is_final(current->state)) co_return current;
    }
    current = services_.journal.update(current->id, [](runs::record& r) { request_cancel(r); });
    if (!current) co_return current;
    auto sent = co_await end_job(current->backend_id, u);
    if (!sent) co_return sent.error();
    for (steady::duration pause = 50ms;; pause = std::min<steady::duration>(pause * 2, between_questions)) {
        answers_.erase(current->backend_id);
        current = co_await look(*current, u);
        if (!current || runs::is_final(current->state)) co_return current;
        ACT_CO_TRY_VOID(co_await sleep_for(pause, u));
    }
}

}  // namespace act::backend::slurm
