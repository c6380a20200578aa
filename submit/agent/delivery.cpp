#include "submit/agent/delivery.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/copy.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/tree.hpp"

namespace act::agent {
namespace fs = std::filesystem;

namespace {

/// In the folder of the logs: what the deliveries themselves say. It is not delivered, for it would be news
/// at each turn.
constexpr const char* own_log = "delivery.txt";

/// How many times as long as it was at work a delivery rests: it works on the job's cores.
constexpr int rest_for_work = 4;

/// How long the job's end waits for deliveries: for their own end after SIGTERM, and in all. One that waits
/// for a file server which does not answer cannot be killed.
constexpr std::chrono::seconds grace_of_deliveries{2}, patience_with_deliveries{10};

/// Is the copy of the file as it is? file::copy() takes its time along.
bool same_stamp(const std::string& from, const std::string& copy) {
    const auto a = file::stat_of(from, false), b = file::stat_of(copy, false);
    return a && b && a->size == b->size && a->modified == b->modified;
}

/// Removes from the copy what the folder does not have: what has gone since, and what a delivery that was
/// killed left half written (file::aside, over NFS).
result<void> clear_copy(const delivery& d) {
    std::vector<fs::path> gone;
    std::error_code failed, ignored;
    fs::recursive_directory_iterator at(d.copy, failed), end;
    for (; !failed && at != end; at.increment(failed)) {
        const fs::path from = d.folder / at->path().lexically_relative(d.copy);
        if (fs::symlink_status(from, ignored).type() != at->symlink_status(ignored).type())
            gone.push_back(at->path());
    }
    for (const auto& path : gone) {
        if (!failed) fs::remove_all(path, failed);
    }
    if (failed) return error::from_errno(failed.value(), "cannot clear " + d.copy);
    return {};
}

/// The files as they are now, and nothing else. Only those that are not as they were are copied anew.
result<void> make_copy(const delivery& d) {
    ACT_TRY_VOID(file::make_directories(d.copy));
    ACT_TRY_VOID(clear_copy(d));
    std::error_code failed, ignored;
    fs::recursive_directory_iterator at(d.folder, failed), end;
    for (; !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().lexically_relative(d.folder).string();
        if (name == own_log || !fs::is_regular_file(at->symlink_status(ignored))) continue;
        const std::string from = at->path().string(), copy = d.copy + "/" + name;
        if (same_stamp(from, copy)) continue;
        auto copied = file::copy(from, copy, 0600, {});
        // What has gone since is not missing.
        if (!copied && copied.error().kind() != kind::not_found) return copied.error();
    }
    if (failed) return error::from_errno(failed.value(), "cannot read " + d.folder);
    return {};
}

/// A job's limit of memory counts what is sent beside it, too: where it does not do, that ends, not the
/// command.
void be_first_to_go() {
    file::descriptor fd(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (fd) (void)!::write(fd.get(), "1000", 4);
}

}  // namespace

pid_t start_delivery(const spec& s, const delivery& d) {
    const pid_t me = ::getpid(), child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != me) ::_exit(1);
    reset_signals();
    const std::string path = s.logs + "/" + own_log;
    file::descriptor log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log || (!s.project.empty() && ::chdir(s.project.c_str()) != 0)) ::_exit(1);
    redirect(log.get(), log.get());
    if (auto made = d.copy.empty() ? result<void>() : make_copy(d); !made) {
        std::fprintf(stderr, "act agent: %s\n", made.error().message().c_str());
        ::_exit(1);
    }
    exec_command(d.command);
    ::_exit(127);
}

recurring_delivery::recurring_delivery(const spec& s)
    : spec_(s),
      pause_(std::max(1, s.delivery_seconds)),
      all_(s.deliveries.size(), {.due = steady::now() + pause_}) {}

steady::time_point recurring_delivery::due() const {
    auto first = never;
    for (const auto& each : all_) {
        if (each.pid == 0 && !stopped_) first = std::min(first, each.due);
    }
    return first;
}

void recurring_delivery::begin_due(steady::time_point now) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
        auto& each = all_[i];
        if (each.pid != 0 || now < each.due) continue;
        const pid_t pid = start_delivery(spec_, spec_.deliveries[i]);
        each = {.pid = std::max(pid, pid_t{0}), .begun = now, .due = now + pause_};
    }
}

void recurring_delivery::ended(pid_t pid, steady::time_point now) {
    for (auto& each : all_) {
        if (each.pid != pid) continue;
        each.pid = 0;
        each.due = now + std::max<steady::duration>(pause_, rest_for_work * (now - each.begun));
    }
}

void forget_copy(const delivery& d) {
    std::error_code ignored;
    if (!d.copy.empty()) fs::remove_all(d.copy, ignored);
}

std::string undelivered(const spec& s, const delivery& d, int code) {
    return "what is in " + d.folder + " could not be brought to the store (code " + std::to_string(code) +
           "); " + s.logs + "/" + own_log + " says why";
}

int deliver_all(const spec& s) {
    std::string reason;
    for (const auto& d : s.deliveries) {
        const pid_t child = start_delivery(s, d);
        int status = 0;
        pid_t ended = child;
        while (child > 0 && (ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
        }
        const int code = child > 0 && ended == child ? exit_code_of_status(status) : 1;
        forget_copy(d);
        if (code == 0) continue;
        reason += (reason.empty() ? "" : "; ") + undelivered(s, d, code);
        (void)fail(s, 1, reason, "");
    }
    return reason.empty() ? 0 : 1;
}

int deliver_meanwhile(const spec& s, pid_t starter) {
    const sigset_t signals = block_signals();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != starter) return 0;
    be_first_to_go();
    recurring_delivery work(s);
    for (;;) {
        const int signal = next_signal(signals, work.due());
        if (signal == SIGTERM || signal == SIGINT) break;
        if (signal == 0) work.begin_due(steady::now());
        int status = 0;
        for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) work.ended(pid, steady::now());
    }
    end_descendants(signals, grace_of_deliveries, steady::now() + patience_with_deliveries);
    return 0;
}

}  // namespace act::agent
