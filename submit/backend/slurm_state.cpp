#include "submit/backend/slurm_state.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>

#include "submit/agent/supervise.hpp"

namespace act::backend::slurm {
namespace {

constexpr const char* cancel_key = "cancel";

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t n = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

/// Not "N/A", "NONE" or "Unknown".
wall_time time_of(std::string_view text) {
    auto seconds = number(text);
    return seconds ? wall_time(std::chrono::seconds(*seconds)) : wall_time{};
}

std::vector<std::string_view> fields(std::string_view line, char separator) {
    while (line.ends_with('\n') || line.ends_with(' ')) line.remove_suffix(1);
    std::vector<std::string_view> out;
    for (;;) {
        auto end = line.find(separator);
        out.push_back(line.substr(0, end));
        if (end == std::string_view::npos) return out;
        line.remove_prefix(end + 1);
    }
}

/// Is "7_2" among "7_[0-1,2-9:2%3]"? Accounting knows tasks that never began as such a group.
bool is_among(std::string_view group, std::string_view id) {
    auto bracket = group.find("_["), mark = id.find('_');
    if (bracket == std::string_view::npos || mark == std::string_view::npos) return false;
    if (group.substr(0, bracket) != id.substr(0, mark)) return false;
    auto index = number(id.substr(mark + 1));
    group.remove_prefix(bracket + 2);
    for (auto range : fields(group.substr(0, group.find_first_of("]%")), ',')) {
        range = range.substr(0, range.find(':'));
        auto dash = range.find('-');
        auto first = number(range.substr(0, dash));
        auto last = dash == std::string_view::npos ? first : number(range.substr(dash + 1));
        if (index && first && last && *first <= *index && *index <= *last) return true;
    }
    return false;
}

std::string unless_none(std::string_view text) {
    bool none = text == "None" || text == "N/A" || text == "(null)" || text == "None assigned";
    return none ? std::string() : std::string(text);
}

std::string signal_in_words(int code) {
    const char* name = ::sigabbrev_np(code - 128);
    return "ended by signal " + (name ? "SIG" + std::string(name) : std::to_string(code - 128));
}

enum class phase { waiting, running, over };

phase phase_of(const std::string& state) {
    for (const char* s :
         {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}) {
        if (state == s) return phase::waiting;
    }
    for (const char* s :
         {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}) {
        if (state == s) return phase::running;
    }
    return phase::over;
}

/// Why Slurm ended it, where it was Slurm.
std::string ended_by_slurm(const std::string& state) {
    if (state == "TIMEOUT") return "its time limit was reached";
    if (state == "OUT_OF_MEMORY") return "it used more memory than the job has";
    if (state == "NODE_FAIL") return "a node failed";
    if (state == "BOOT_FAIL") return "a node did not start";
    if (state == "DEADLINE") return "its deadline was reached";
    if (state == "PREEMPTED") return "preempted by a job of higher priority";
    if (state == "REVOKED") return "another cluster took it over";
    return {};
}

void finish(runs::record& r, runs::state state, std::optional<int> code, std::string reason,
            wall_time ended) {
    r.state = state;
    r.exit_code = code;
    r.reason = std::move(reason);
    r.ended = ended;
}

void fail(runs::record& r, const traces& left, std::optional<int> code, std::string why, wall_time ended) {
    if (why.empty()) why = left.failure;
    if (why.empty() && code && *code > 128) why = signal_in_words(*code);
    finish(r, runs::state::failed, code, std::move(why), ended);
}

/// Without its own word on its end the job did not get as far as bringing its outputs and logs to the store.
void tell_what_stayed(runs::record& r, const traces& left) {
    const bool arrived = !left.job || (left.code && !left.undelivered);
    if (!left.outputs.empty() || left.logs) r.details[agent::delivered_detail] = arrived ? "yes" : "no";
    if (arrived) return;
    auto add = [&](const std::string& text) { r.reason += (r.reason.empty() ? "" : "; ") + text; };
    if (left.code && !left.failure.empty()) {
        if (r.reason.find(left.failure) == r.reason.npos) add(left.failure);
        return;
    }
    auto tell = [&](const char* what, const std::string& where) {
        if (!where.empty())
            add(std::string("its ") + what + " did not all get to the store: they are in " + where);
    };
    tell("outputs", left.outputs);
    if (left.logs) tell("logs", r.logs);
}

void apply_end(runs::record& r, const job_info& j, const traces& left, wall_time ended) {
    auto code = left.code ? left.code : j.code;
    if (j.state == "COMPLETED" && code.value_or(0) == 0) {
        finish(r, runs::state::completed, 0, "", ended);
    } else if (j.state == "CANCELLED") {
        finish(r, runs::state::canceled, code,
               cancel_requested(r) ? "cancelled" : "cancelled by scancel or by the cluster's administration",
               ended);
    } else if (auto why = ended_by_slurm(j.state); !why.empty()) {
        fail(r, left, code, why, ended);
    } else if (!left.job) {
        fail(r, left, code,
             "it could not begin" + (r.node.empty() ? "" : " on " + r.node) + ": is " + r.folder +
                 " on a file system that the nodes share?",
             ended);
    } else {
        fail(r, left, code, code ? "" : "it left no exit code: its script was killed", ended);
    }
}

}  // namespace

std::optional<job_info> parse_squeue(std::string_view line) {
    auto f = fields(line, '|');
    if (f.size() != 7 || f[0].empty() || f[2].empty()) return std::nullopt;
    job_info j;
    j.ids = {std::string(f[0]), std::string(f[1])};
    j.state = f[2];
    j.reason = unless_none(f[3]);
    j.started = time_of(f[4]);
    j.ended = time_of(f[5]);
    j.nodes = unless_none(f[6]);
    return j;
}

std::optional<job_info> parse_sacct(std::string_view line) {
    auto f = fields(line, '|');
    if (f.size() != 8 || f[0].empty() || f[2].empty()) return std::nullopt;
    job_info j;
    j.ids = {std::string(f[0]), std::string(f[1])};
    j.state = f[2].substr(0, f[2].find(' '));  // "CANCELLED by 1000"
    auto colon = f[3].find(':');
    auto code = number(f[3].substr(0, colon));
    auto signal = colon == std::string_view::npos ? std::nullopt : number(f[3].substr(colon + 1));
    if (code) j.code = static_cast<int>(signal.value_or(0) != 0 ? 128 + *signal : *code);
    j.started = time_of(f[4]);
    j.ended = time_of(f[5]);
    j.nodes = unless_none(f[6]);
    j.reason = unless_none(f[7]);
    return j;
}

const job_info* find_job(const std::vector<job_info>& jobs, const std::string& id) {
    // Tasks that have not begun may have the array's number for their own.
    for (std::size_t form : {0u, 1u}) {
        for (const auto& j : jobs) {
            if (j.ids[form] == id) return &j;
        }
    }
    for (const auto& j : jobs) {
        if (is_among(j.ids[0], id)) return &j;
    }
    const std::string array = array_of(id);
    for (const auto& j : jobs) {
        if (!array.empty() && j.ids[0] == array && j.state == "CANCELLED") return &j;
    }
    return nullptr;
}

std::optional<job_info> missing_task(const std::vector<job_info>& of_arrays, const std::string& id) {
    const std::string array = array_of(id);
    auto is_of_it = [&](const job_info& j) { return j.ids[0] == array || array_of(j.ids[0]) == array; };
    if (array.empty() || std::none_of(of_arrays.begin(), of_arrays.end(), is_of_it)) return std::nullopt;
    job_info j;
    j.ids[0] = array;
    j.state = "CANCELLED";
    return j;
}

std::string array_of(const std::string& id) {
    const auto mark = id.find('_');
    return mark == id.npos ? std::string() : id.substr(0, mark);
}

void take_started(std::string_view text, traces& into) {
    auto f = fields(text, ' ');
    if (f.size() < 2 || f[0].empty()) return;
    into.job = std::string(f[0]);
    into.started = time_of(f[1]);
    if (f.size() > 2) into.nodes = f[2];
}

void take_ended(std::string_view text, traces& into) {
    auto f = fields(text, ' ');
    auto code = f.size() >= 2 ? number(f[0]) : std::nullopt;
    if (!code) return;
    into.asked = std::find(f.begin() + 2, f.end(), "asked") != f.end();
    into.undelivered = std::find(f.begin() + 2, f.end(), "undelivered") != f.end();
    into.code = static_cast<int>(*code);
    into.ended = time_of(f[1]);
}

bool settled(const traces& left, const runs::record& r) {
    return left.code && *left.code <= 128 && !left.asked && !cancel_requested(r);
}

void apply(runs::record& r, const std::optional<job_info>& known_job, const traces& left, wall_time now) {
    // What became of an array's waiting tasks says nothing of one that had begun.
    const bool arrays = known_job && left.job && known_job->ids[0] == array_of(r.backend_id);
    const std::optional<job_info> j = arrays ? std::nullopt : known_job;
    auto known = [&](wall_time mine, wall_time slurms) { return mine != wall_time{} ? mine : slurms; };
    if (left.job || (j && phase_of(j->state) != phase::waiting)) {
        if (auto at = known(left.started, j ? j->started : wall_time{}); at != wall_time{}) r.started = at;
        std::string nodes = !left.nodes.empty() || !j ? left.nodes : j->nodes;
        if (!nodes.empty()) r.node = nodes;
    }
    wall_time ended = known(left.ended, j ? j->ended : wall_time{});
    if (ended == wall_time{}) ended = now;
    if (settled(left, r)) {
        if (*left.code == 0)
            finish(r, runs::state::completed, 0, "", ended);
        else
            fail(r, left, left.code, "", ended);
    } else if (j) {
        switch (phase_of(j->state)) {
            case phase::waiting:
                r.state = runs::state::queued;
                r.reason =
                    j->state == "CONFIGURING" ? "its nodes are being started" : reason_in_words(j->reason);
                break;
            case phase::running:
                r.state = runs::state::running;
                r.reason = j->state == "SUSPENDED" ? "suspended by Slurm" : "";
                break;
            case phase::over:
                apply_end(r, *j, left, ended);
        }
    } else if (cancel_requested(r)) {
        finish(r, runs::state::canceled, left.code, "cancelled", ended);
    } else if (left.code && *left.code == 0) {
        finish(r, runs::state::completed, 0, "", ended);
    } else if (left.code) {
        fail(r, left, left.code, "", ended);
    } else {
        fail(r, left, std::nullopt,
             left.job ? "it left no exit code: killed, or its node failed"
                      : "Slurm does not know job " + r.backend_id + " any more, and it left no trace",
             ended);
    }
    if (runs::is_final(r.state)) tell_what_stayed(r, left);
}

void request_cancel(runs::record& r) { r.details[cancel_key] = "requested"; }
bool cancel_requested(const runs::record& r) { return r.details.count(cancel_key) != 0; }

std::string reason_in_words(const std::string& reason) {
    // By how they begin; the rest of the hundred as Slurm calls them.
    static constexpr std::pair<std::string_view, const char*> words[] = {
        {"Resources", "waits for free nodes"},
        {"Priority", "waits for jobs of higher priority"},
        {"JobArrayTaskLimit", "waits for others of its sweep to end"},
        {"Dependency", "waits for another job"},
        {"BeginTime", "waits for its time to begin"},
        {"JobHeld", "held: `scontrol release` lets it go"},
        {"Licenses", "waits for a licence"},
        {"Reservation", "waits for its reservation"},
        {"ReqNodeNotAvail", "its nodes are not available"},
        {"Nodes_required_for_job_are_DOWN", "its nodes are down, drained or reserved"},
        {"PartitionDown", "the partition is down"},
        {"PartitionInactive", "the partition is inactive"},
        {"PartitionNodeLimit", "asks for more nodes than the partition allows"},
        {"PartitionTimeLimit", "asks for more time than the partition allows"},
        {"PartitionConfig", "asks for what the partition does not have"},
        {"BadConstraints", "no node is as the job asks for"},
        {"InvalidAccount", "the account is not valid"},
        {"InvalidQOS", "the quality of service is not valid"},
        {"QOS", "a limit of the quality of service is reached"},
        {"Max", "a limit of the account is reached"},
        {"Assoc", "a limit of the account is reached"},
    };
    if (reason.empty() || reason == "None") return {};
    for (const auto& [begin, text] : words) {
        if (reason.starts_with(begin)) return std::string(text) + " (" + reason + ")";
    }
    return "waits: " + reason;
}

}  // namespace act::backend::slurm
