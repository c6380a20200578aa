#include "submit/agent/tree.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/signals.hpp"
#include "submit/agent/supervise.hpp"

namespace act::agent {
namespace {

struct process {
    char state;
    pid_t parent;
    unsigned long long started;
};

/// /proc/PID/stat (proc(5)): the name in the second field may hold spaces and brackets.
std::optional<process> look_at(std::int64_t pid) {
    std::string path = "/proc/" + std::to_string(pid) + "/stat";
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    char text[1024];
    ssize_t n = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    if (n <= 0) return std::nullopt;
    text[n] = 0;
    const char* after_name = std::strrchr(text, ')');
    process p{};
    int parent = 0;
    // state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime
    // priority nice num_threads itrealvalue starttime
    if (!after_name ||
        std::sscanf(after_name + 1,
                    " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                    &p.state, &parent, &p.started) != 3) {
        return std::nullopt;
    }
    p.parent = parent;
    return p;
}

std::vector<pid_t> all_processes() {
    std::vector<pid_t> out;
    DIR* folder = ::opendir("/proc");
    if (!folder) return out;
    while (dirent* e = ::readdir(folder)) {
        char* end = nullptr;
        const long pid = std::strtol(e->d_name, &end, 10);
        if (pid > 0 && *end == 0) out.push_back(static_cast<pid_t>(pid));
    }
    ::closedir(folder);
    return out;
}

/// Of other users' processes nothing can be seen.
bool started_with(pid_t pid, const std::string& variable) {
    constexpr std::size_t longest = 4u << 20;
    const auto text = file::read_all("/proc/" + std::to_string(pid) + "/environ", longest);
    const std::string wanted = '\0' + variable + '\0';
    return text && ('\0' + *text).find(wanted) != std::string::npos;
}

}  // namespace

std::vector<pid_t> descendants(pid_t root) {
    std::multimap<pid_t, pid_t> children;
    for (pid_t pid : all_processes()) {
        auto p = look_at(pid);
        if (p && p->state != 'Z') children.emplace(p->parent, pid);
    }
    std::vector<pid_t> out, level = {root};
    while (!level.empty()) {
        std::vector<pid_t> next;
        for (pid_t parent : level) {
            auto [from, to] = children.equal_range(parent);
            for (auto i = from; i != to; ++i) next.push_back(i->second);
        }
        out.insert(out.end(), next.begin(), next.end());
        level = std::move(next);
    }
    return out;
}

void signal_descendants(pid_t root, int signal) {
    std::set<pid_t> done;
    for (bool fresh = true; fresh;) {
        fresh = false;
        for (pid_t pid : descendants(root)) {
            if (!done.insert(pid).second) continue;
            ::kill(pid, signal);
            fresh = true;
        }
    }
}

void end_left_behind(const std::string& run) {
    const std::string variable = "ACT_RUN_ID=" + run;
    std::set<std::pair<pid_t, std::uint64_t>> done;
    for (bool fresh = true; fresh;) {
        fresh = false;
        for (pid_t pid : all_processes()) {
            const auto started = process_started(pid);
            if (pid == ::getpid() || !started || done.count({pid, *started}) != 0) continue;
            if (!started_with(pid, variable)) continue;
            done.emplace(pid, *started);
            (void)signal_process(pid, *started, SIGKILL);
            fresh = true;
        }
    }
}

void end_descendants(const sigset_t& signals, std::chrono::seconds grace, steady::time_point give_up,
                     more_signals more) {
    steady::time_point kill_at = steady::now() + grace;
    bool killed = false;
    if (!descendants(::getpid()).empty()) signal_descendants(::getpid(), SIGTERM);
    for (;;) {
        int status = 0;
        pid_t pid;
        while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
        }
        if (pid < 0 && errno == ECHILD) return;
        if (steady::now() >= give_up) return;
        const int signal = next_signal(signals, std::min(kill_at, give_up));
        const bool asked = more == more_signals::heard && signal != 0 && signal != SIGCHLD;
        if (asked && killed) return;
        if (asked || (signal == 0 && steady::now() >= kill_at)) {
            killed = true;
            signal_descendants(::getpid(), SIGKILL);
            kill_at = steady::now() + std::chrono::seconds(1);
        }
    }
}

void end_sibling(pid_t pid) {
    const auto p = look_at(pid);
    if (p && p->parent == ::getppid()) (void)signal_process(pid, p->started, SIGTERM);
}

std::optional<std::uint64_t> process_started(std::int64_t pid) {
    auto p = look_at(pid);
    if (!p || p->state == 'Z' || p->state == 'X') return std::nullopt;
    return p->started;
}

std::string boot_id() {
    auto text = file::read_all("/proc/sys/kernel/random/boot_id", 256);
    return text ? text->substr(0, 36) : std::string();
}

bool lives(std::int64_t pid, std::uint64_t started, const std::string& boot) {
    const std::string now_booted = boot_id();
    if (!boot.empty() && !now_booted.empty() && boot != now_booted) return false;
    return process_started(pid) == started;
}

std::string own_identity() {
    const std::string boot = boot_id();
    return std::to_string(::getpid()) + " " + std::to_string(process_started(::getpid()).value_or(0)) + " " +
           (boot.empty() ? "-" : boot) + " " + host_name();
}

std::string identity_in_words(std::string_view identity) {
    const std::string text(identity);
    const std::size_t host = text.rfind(' ');
    if (host == text.npos) return text;
    return "process " + text.substr(0, text.find(' ')) + " on " + text.substr(host + 1);
}

std::optional<bool> lives(std::string_view identity) {
    std::istringstream in{std::string(identity)};
    std::int64_t pid = 0;
    std::uint64_t started = 0;
    std::string boot, host;
    if (!(in >> pid >> started >> boot >> host) || host != host_name()) return std::nullopt;
    return lives(pid, started, boot == "-" ? std::string() : boot);
}

result<bool> signal_process(std::int64_t pid, std::uint64_t started, int signal) {
    // The descriptor pins the process: it is opened first and compared then, so the pid cannot change hands
    // in between.
    int fd = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
    if (fd < 0 && errno == ESRCH) return false;
    bool same = process_started(pid) == started;
    int sent = 0;
    if (same)
        sent = fd >= 0 ? static_cast<int>(::syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0))
                       : ::kill(static_cast<pid_t>(pid), signal);
    int number = errno;
    if (fd >= 0) ::close(fd);
    if (!same || (sent != 0 && number == ESRCH)) return false;
    if (sent != 0) return error::from_errno(number, "cannot signal process " + std::to_string(pid));
    return true;
}

}  // namespace act::agent
