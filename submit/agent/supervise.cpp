#include "submit/agent/supervise.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/tree.hpp"
#include "submit/runs/runs.hpp"

namespace act::agent {
namespace {

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("localhost");
}

/// Waits for one of the signals, at most until the deadline. 0 when that has passed.
int next_signal(const sigset_t& set, steady::time_point deadline) {
    for (;;) {
        int got;
        if (deadline == steady::time_point::max()) {
            got = ::sigwaitinfo(&set, nullptr);
        } else {
            auto left =
                std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - steady::now()).count();
            if (left <= 0) return 0;
            timespec t{left / 1000000000, left % 1000000000};
            got = ::sigtimedwait(&set, nullptr, &t);
        }
        if (got > 0) return got;
        if (errno == EAGAIN) return 0;
    }
}

class supervisor {
public:
    supervisor(const spec& s, runs::journal& j, const sigset_t& signals)
        : spec_(s), journal_(j), signals_(signals) {}

    /// Takes the run over in the record. False: somebody cancelled it before.
    result<bool> take_over() {
        bool go = false;
        ACT_TRY(auto r, journal_.update(spec_.run, [&](runs::record& x) {
            if (x.state != runs::state::queued) return;
            go = true;
            x.state = runs::state::running;
            x.started = now();
            x.node = host_name();
            x.pid = ::getpid();
            x.pid_started = process_started(::getpid()).value_or(0);
            if (auto boot = file::read_all("/proc/sys/kernel/random/boot_id", 256))
                x.details["boot"] = boot->substr(0, 36);
        }));
        return go;
    }

    void see_through() {
        pid_t agent = start();
        int code = agent > 0 ? wait_for(agent) : exit_setup_failed;
        end_the_rest();
        record(code);
    }

private:
    pid_t start() {
        std::string out_path = spec_.logs + "/stdout.txt", err_path = spec_.logs + "/stderr.txt";
        constexpr int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
        file::descriptor out(::open(out_path.c_str(), flags, 0600)),
            err(::open(err_path.c_str(), flags, 0600));
        if (!out || !err) {
            reason_ = "cannot write logs in " + spec_.logs + ": " + std::strerror(errno);
            return -1;
        }
        pid_t me = ::getpid(), child = ::fork();
        if (child < 0) reason_ = std::string("cannot start the agent: ") + std::strerror(errno);
        if (child != 0) return child;
        // Should the supervisor be killed, nobody would wait for the command nor could cancel it.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != me) ::_exit(exit_setup_failed);
        ::setpgid(0, 0);
        reset_signals();
        redirect(out.get(), err.get());
        ::_exit(run(spec_));
    }

    int wait_for(pid_t agent) {
        steady::time_point kill_at = steady::time_point::max();
        for (;;) {
            int signal = next_signal(signals_, kill_at);
            if (signal == SIGTERM || signal == SIGINT) {
                if (!canceled_) {
                    canceled_ = true;
                    kill_at = steady::now() + std::chrono::seconds(spec_.grace_seconds);
                    signal_descendants(::getpid(), SIGTERM);
                }
            } else if (signal == 0) {
                signal_descendants(::getpid(), SIGKILL);
                kill_at = steady::time_point::max();
            }
            int status = 0;
            while (pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
                if (pid < 0) break;
                if (pid == agent) return exit_code_of_status(status);
            }
        }
    }

    /// The run ends with its command: what it left running in the background ends too.
    void end_the_rest() {
        steady::time_point kill_at =
            steady::now() + std::chrono::seconds(canceled_ ? spec_.grace_seconds : 2);
        if (!descendants(::getpid()).empty()) signal_descendants(::getpid(), SIGTERM);
        for (;;) {
            int status = 0;
            pid_t pid;
            while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
            }
            if (pid < 0 && errno == ECHILD) return;
            if (next_signal(signals_, kill_at) == 0) {
                signal_descendants(::getpid(), SIGKILL);
                kill_at = steady::now() + std::chrono::seconds(1);
            }
        }
    }

    void record(int code) {
        if (reason_.empty()) {
            if (auto text = file::read_all(spec_.work + "/failure.txt", 64 << 10)) reason_ = *text;
        }
        if (canceled_)
            reason_ = "cancelled";
        else if (reason_.empty() && code > 128) {
            const char* name = ::sigabbrev_np(code - 128);
            reason_ = "ended by signal " + (name ? "SIG" + std::string(name) : std::to_string(code - 128));
        }
        auto ended = now();
        // A full disk may be emptied again; the outcome is worth some patience.
        for (int tries = 0; tries < 60; ++tries) {
            auto done = journal_.update(spec_.run, [&](runs::record& r) {
                r.state = canceled_   ? runs::state::canceled
                          : code == 0 ? runs::state::completed
                                      : runs::state::failed;
                r.exit_code = code;
                r.ended = ended;
                r.reason = reason_;
            });
            if (done || done.error().kind() == kind::not_found) return;
            std::fprintf(stderr, "act agent: %s\n", done.error().message().c_str());
            (void)next_signal(signals_, steady::now() + std::chrono::seconds(1));
        }
    }

    const spec& spec_;
    runs::journal& journal_;
    sigset_t signals_;
    bool canceled_ = false;
    std::string reason_;
};

int complain(const error& e) {
    std::fprintf(stderr, "act agent: %s\n", e.message().c_str());
    return 1;
}

int supervise_here(const std::string& spec_file, const std::string& state_folder, int ready_fd) {
    sigset_t signals;
    sigemptyset(&signals);
    for (int s : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, s);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    for (int s : {SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP}) ::signal(s, SIG_IGN);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);

    auto s = read_spec(spec_file);
    if (!s) return complain(s.error());
    auto journal = runs::journal::open(state_folder);
    if (!journal) return complain(journal.error());
    supervisor work(*s, *journal, signals);
    auto go = work.take_over();
    if (!go) return complain(go.error());
    char ok = '+';
    [[maybe_unused]] ssize_t n = ::write(ready_fd, &ok, 1);
    ::close(ready_fd);
    // The environment in it may hold secrets; from here on it is in memory only.
    ::unlink(spec_file.c_str());
    if (*go) work.see_through();
    return 0;
}

}  // namespace

int supervise(const std::string& spec_file, const std::string& state_folder) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) return complain(error::from_errno(errno, "cannot make a pipe"));
    pid_t child = ::fork();
    if (child < 0) return complain(error::from_errno(errno, "cannot start the supervisor"));
    if (child == 0) {
        // No longer the session's leader, so no terminal can ever become its own.
        ::close(ready[0]);
        ::_exit(supervise_here(spec_file, state_folder, ready[1]));
    }
    ::close(ready[1]);
    char ok = 0;
    ssize_t n;
    do n = ::read(ready[0], &ok, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : 1;
}

result<void> start_supervisor(const std::string& executable, const std::string& spec_file,
                              const std::string& state_folder) {
    std::string log = (std::filesystem::path(spec_file).parent_path() / "supervisor.txt").string();
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string words[] = {executable, "agent", "supervise", spec_file, state_folder};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(),
                    words[3].data(), words[4].data(), nullptr};
    pid_t child = 0;
    int failed = ::posix_spawn(&child, executable.c_str(), &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return error::from_errno(failed, "cannot start " + executable);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return error::from_errno(errno, "cannot wait for the supervisor");
    }
    if (exit_code_of_status(status) == 0) return {};
    auto why = file::read_all(log, 64 << 10);
    return error(
        kind::internal,
        "the supervisor of the run did not start" + (why && !why->empty() ? ": " + *why : std::string()),
        "see " + log);
}

}  // namespace act::agent
