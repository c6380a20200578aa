#include "submit/agent/supervisor.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/delivery.hpp"
#include "submit/agent/patience.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/signals.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/tree.hpp"
#include "submit/runs/log_files.hpp"

namespace act::agent {
namespace {

void identify(runs::record& r) {
    r.node = host_name();
    r.pid = ::getpid();
    r.pid_started = process_started(::getpid()).value_or(0);
    if (std::string boot = boot_id(); !boot.empty()) r.details["boot"] = std::move(boot);
}

std::string text_of_code(int code) {
    if (code <= 128) return "ended with code " + std::to_string(code);
    const char* name = ::sigabbrev_np(code - 128);
    return "ended by signal " + (name ? "SIG" + std::string(name) : std::to_string(code - 128));
}

}  // namespace

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("localhost");
}

result<void> supervisor::announce() {
    ACT_TRY_VOID(journal_.update(spec_.run, [](runs::record& r) {
        if (r.state == runs::state::queued) identify(r);
    }));
    return {};
}

result<bool> supervisor::take_over() {
    bool go = false;
    auto change = [&](runs::record& r) {
        // Tried before, its own word may be there though the disk said no.
        go = r.state == runs::state::queued ||
             (r.state == runs::state::running && r.pid == ::getpid() && r.node == host_name());
        if (!go) return;
        r.state = runs::state::running;
        r.started = now();
        identify(r);
    };
    ACT_TRY_VOID(patiently(signals_, [&] { return journal_.update(spec_.run, change); }));
    return go;
}

void supervisor::see_through(const std::vector<std::string>& gpus) {
    int code = start_and_wait(gpus);
    end_the_rest();
    deliver();
    record(code);
}

void supervisor::give_up(const error& why) {
    reason_ = "it could not begin: " + why.message();
    record(std::nullopt);
}

int supervisor::start_and_wait(const std::vector<std::string>& gpus) {
    prepare_launch(gpus);
    auto started = launch(spec_);
    if (started) return wait_for(std::move(*started));
    reason_ = started.error().message();
    return exit_setup_failed;
}

int supervisor::wait_for(launched running) {
    recurring_delivery meanwhile(spec_);
    auto kill_at = never;
    int first_failure = 0;
    auto end_all = [&] {
        kill_at = steady::now() + std::chrono::seconds(spec_.grace_seconds);
        signal_descendants(::getpid(), SIGTERM);
    };
    for (;;) {
        int signal = next_signal(signals_, std::min(kill_at, meanwhile.due()));
        if ((signal == SIGTERM || signal == SIGINT) && !canceled_) {
            canceled_ = true;
            meanwhile.stop();
            end_all();
        } else if (signal == 0 && steady::now() >= kill_at) {
            signal_descendants(::getpid(), SIGKILL);
            kill_at = never;
        } else if (signal == 0) {
            meanwhile.begin_due(steady::now());
        }
        int status = 0;
        while (pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
            if (pid < 0) break;
            meanwhile.ended(pid, steady::now());
            auto ended = running.find(pid);
            if (ended == running.end()) continue;
            const int rank = ended->second, code = exit_code_of_status(status);
            running.erase(ended);
            if (code != 0 && first_failure == 0) {
                first_failure = code;
                if (!canceled_) note_failure(rank, code);
                meanwhile.stop();
                if (!running.empty() && !canceled_) end_all();
            }
            if (running.empty()) return first_failure;
        }
    }
}

void supervisor::note_failure(int rank, int code) {
    if (auto text = file::read_all(spec_.work + "/failure.txt", 64 << 10)) {
        reason_ = *text;
    } else if (rank >= 0 && spec_.processes() > 1) {
        auto log = [&](const char* stream) { return runs::log_name(stream, static_cast<unsigned>(rank)); };
        reason_ = "process " + std::to_string(rank) + " of " + std::to_string(spec_.processes()) + " " +
                  text_of_code(code) + "; its output is in " + log("stdout") + " and " + log("stderr");
    } else if (code > 128) {
        reason_ = text_of_code(code);
    }
}

void supervisor::end_the_rest() {
    end_descendants(signals_, std::chrono::seconds(canceled_ ? spec_.grace_seconds : 2));
}

/// After the end, however it was: what the run made is worth keeping.
void supervisor::deliver() {
    for (const auto& d : spec_.deliveries) {
        const pid_t child = start_delivery(spec_, d);
        int code = 1;
        for (int status = 0; child > 0;) {
            // Who cancels once more does not want to wait for this either.
            if (next_signal(signals_, never) != SIGCHLD) ::kill(child, SIGTERM);
            if (::waitpid(child, &status, WNOHANG) != child) continue;
            code = exit_code_of_status(status);
            break;
        }
        forget_copy(d);
        if (code == 0) continue;
        undelivered_ += (undelivered_.empty() ? "" : "; ") + undelivered(spec_, d, code);
    }
}

void supervisor::record(std::optional<int> code) {
    if (canceled_) reason_ = "cancelled";
    if (!undelivered_.empty()) reason_ += (reason_.empty() ? "" : "; ") + undelivered_;
    const bool well = code == 0 && undelivered_.empty();
    auto ended = now();
    auto change = [&](runs::record& r) {
        if (!code && runs::is_final(r.state)) return;
        r.state = canceled_ ? runs::state::canceled : well ? runs::state::completed : runs::state::failed;
        r.exit_code = code;
        r.ended = ended;
        r.reason = reason_;
        if (code && !spec_.deliveries.empty() && undelivered_.empty()) r.details[delivered_detail] = "yes";
    };
    (void)patiently(signals_, [&] { return journal_.update(spec_.run, change); });
}

}  // namespace act::agent
