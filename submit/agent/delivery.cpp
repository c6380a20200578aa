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

/// The files as they are now, and nothing else: a delivery that was killed may have left something half
/// written (file::aside, over NFS).
result<void> make_copy(const delivery& d) {
    forget_copy(d);
    ACT_TRY_VOID(file::make_directories(d.copy));
    std::error_code failed, ignored;
    fs::recursive_directory_iterator at(d.folder, failed), end;
    for (; !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().lexically_relative(d.folder).string();
        if (name == own_log || !fs::is_regular_file(at->symlink_status(ignored))) continue;
        auto copied = file::copy(at->path().string(), d.copy + "/" + name, 0600, {});
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
      due_(s.deliveries.empty() ? never : steady::now() + pause_),
      at_work_(s.deliveries.size()) {}

void recurring_delivery::begin_turn() {
    for (std::size_t i = 0; i < at_work_.size(); ++i) {
        if (at_work_[i] <= 0) at_work_[i] = start_delivery(spec_, spec_.deliveries[i]);
    }
    due_ = steady::now() + pause_;
}

void recurring_delivery::ended(pid_t pid) { std::replace(at_work_.begin(), at_work_.end(), pid, pid_t{0}); }

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

int deliver_meanwhile(const spec& s) {
    const pid_t starter = ::getppid();
    const sigset_t signals = block_signals();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != starter) return 0;
    be_first_to_go();
    recurring_delivery work(s);
    for (;;) {
        const int signal = next_signal(signals, work.due());
        if (signal == SIGTERM || signal == SIGINT) break;
        if (signal == 0) work.begin_turn();
        int status = 0;
        for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) work.ended(pid);
    }
    end_descendants(signals, std::chrono::seconds(2));
    return 0;
}

}  // namespace act::agent
