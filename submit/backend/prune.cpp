#include "submit/backend/prune.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "engine/file/file.hpp"
#include "engine/file/tree_removal.hpp"
#include "engine/file/tree_size.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/work_folder.hpp"
#include "submit/backend/backend.hpp"
#include "submit/backend/environment.hpp"

namespace act::backend {
namespace fs = std::filesystem;

namespace {

/// Beginning of the names of what is being removed; no run's id begins so.
constexpr std::string_view removed = ".removed-";

std::string runs_folder(const runs::journal& j) { return j.folder() + "/runs"; }

bool is_over(const runs::record& r, const runs::journal& j, const leftover_options& how) {
    const bool chosen = how.only.empty()
                            ? r.ended < how.ended_before
                            : std::find(how.only.begin(), how.only.end(), r.id) != how.only.end();
    // Another folder than the journal gives is not the run's alone.
    return (r.platform == "local" || r.platform == "slurm") && runs::is_final(r.state) && chosen &&
           r.folder == runs_folder(j) + "/" + r.id && file::stat_of(r.folder, false);
}

/// The queue of a sweep is in the folder of its first run, and so is the script of a Slurm array.
bool is_waited_in(const runs::record& r, const std::vector<runs::record>& all) {
    return std::any_of(all.begin(), all.end(), [&](const runs::record& other) {
        // Of thousands, most by far have ended.
        if (runs::is_final(other.state)) return false;
        if (r.platform == "slurm" && !r.group.empty() && other.group == r.group) return true;
        const auto queue = other.details.find(detail::queue);
        return queue != other.details.end() && queue->second.starts_with(r.folder + "/");
    });
}

bool holds_files(const std::string& folder) {
    std::error_code failed;
    for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed)) {
        if (!at->is_directory(failed)) return true;
    }
    return failed && failed != std::errc::no_such_file_or_directory;
}

/// Earlier builds did not note what had arrived.
bool is_undelivered(const runs::record& r) {
    // One that never began has made nothing.
    if (r.started == wall_time{}) return false;
    const auto told = r.details.find(agent::delivered_detail);
    if (told != r.details.end()) return told->second != "yes";
    return holds_files(r.folder + "/" + outputs_folder) ||
           file::stat_of(r.folder + "/" + logs_copy, false).has_value();
}

/// As the run itself would have.
std::string ways_to_store(const runs::record& r) {
    std::string out;
    std::error_code failed;
    for (fs::directory_iterator at(r.folder + "/" + outputs_folder, failed), end; !failed && at != end;
         at.increment(failed)) {
        const std::string to = r.cluster + ":" + at->path().filename().string() + "/" + r.id;
        out += (out.empty() ? ": act -c " : "; act -c ") + r.cluster + " cp '" + at->path().string() + "' '" +
               to + "'";
    }
    return out.empty() ? " from " + r.folder : out;
}

void judge(leftover& one, const runs::record& r, const std::vector<runs::record>& all,
           const leftover_options& how) {
    if (is_waited_in(r, all)) {
        one.kept = "runs of its sweep that have not ended need it";
        one.advice = "`act q` lists them; prune it when they have ended";
    } else if (!how.undelivered && is_undelivered(r)) {
        one.kept = "its outputs or logs are not known to be in the store";
        one.advice =
            "bring them there" + ways_to_store(r) + ", or let them go: act prune --undelivered " + r.id;
    }
}

leftover leftover_of(const runs::record& r) {
    leftover out;
    out.id = r.id;
    out.folder = r.folder;
    out.command = r.command;
    return out;
}

/// No process can begin to need it in between.
result<void> take_away(runs::journal& j, leftover& one, const leftover_options& how,
                       const std::string& aside) {
    return j.locked([&](const std::vector<runs::record>& all) -> result<void> {
        const auto now = std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.id == one.id; });
        if (now == all.end() || !is_over(*now, j, how)) {
            one.kept = "it has changed meanwhile";
            one.advice = "look at it by `act q " + one.id + "`";
            return {};
        }
        judge(one, *now, all, how);
        if (one.kept.empty() && std::rename(one.folder.c_str(), aside.c_str()) != 0)
            return error::from_errno(errno, "cannot remove " + one.folder);
        return {};
    });
}

}  // namespace

result<std::vector<leftover>> leftovers(const runs::journal& j, const leftover_options& how) {
    ACT_TRY(auto all, j.list());
    std::vector<leftover> out;
    for (auto r = all.rbegin(); r != all.rend(); ++r) {
        if (!is_over(*r, j, how)) continue;
        leftover one = leftover_of(*r);
        judge(one, *r, all, how);
        out.push_back(std::move(one));
    }
    if (how.only.empty()) {
        for (const auto& path : agent::old_work_folders(j.folder() + "/local", how.ended_before)) {
            leftover one;
            one.id = fs::path(path).filename().string();
            one.folder = path;
            out.push_back(std::move(one));
        }
    }
    for (auto& one : out) one.bytes = file::bytes_in(one.folder);
    return out;
}

result<void> remove(runs::journal& j, leftover& one, const leftover_options& how) {
    if (one.command.empty()) return agent::remove_old(one.folder);
    ACT_TRY_VOID(file::nothing_mounted(one.folder));
    const std::string aside = runs_folder(j) + "/" + std::string(removed) + one.id;
    ACT_TRY_VOID(take_away(j, one, how, aside));
    return one.kept.empty() ? file::remove_tree(aside) : result<void>();
}

result<void> clear_removed(const runs::journal& j) {
    result<void> first;
    std::error_code ignored;
    for (fs::directory_iterator at(runs_folder(j), ignored), end; at != end; at.increment(ignored)) {
        if (!at->path().filename().string().starts_with(removed)) continue;
        if (auto gone = file::remove_tree(at->path().string()); !gone && first) first = gone.error();
    }
    return first;
}

}  // namespace act::backend
