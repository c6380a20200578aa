#include "engine/file/program.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"

namespace act::file {
namespace {

using namespace std::chrono_literals;

constexpr auto look_at_stop = 100ms;

/// The start of a program with both its outputs in pipes.
class child {
public:
    result<void> start(const std::vector<std::string>& command, const program_options& options) {
        int out[2], err[2];
        if (::pipe2(out, O_CLOEXEC) != 0) return error::from_errno(errno, "cannot make a pipe");
        out_ = descriptor(out[0]);
        const descriptor out_end(out[1]);
        if (::pipe2(err, O_CLOEXEC) != 0) return error::from_errno(errno, "cannot make a pipe");
        err_ = descriptor(err[0]);
        const descriptor err_end(err[1]);

        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files, out_end.get(), STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&files, err_end.get(), STDERR_FILENO);
        // The threads here block signals that a program expects.
        sigset_t none, usual;
        sigemptyset(&none);
        sigemptyset(&usual);
        for (const int s : {SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGCHLD}) sigaddset(&usual, s);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &usual);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(&attributes,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        std::vector<char*> words;
        for (const auto& w : command) words.push_back(const_cast<char*>(w.c_str()));
        words.push_back(nullptr);
        std::vector<std::string> lines;
        std::vector<char*> environment;
        if (options.environment) {
            for (const auto& [name, value] : *options.environment) lines.push_back(name + "=" + value);
            for (auto& line : lines) environment.push_back(line.data());
            environment.push_back(nullptr);
        }
        const int failed = ::posix_spawnp(&id_, words[0], &files, &attributes, words.data(),
                                          options.environment ? environment.data() : ::environ);
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
        if (failed != 0) id_ = -1;
        if (failed == ENOENT) return error(kind::not_found, "the program `" + command[0] + "` is not there");
        if (failed != 0) return error::from_errno(failed, "cannot start " + command[0]);
        return {};
    }

    ~child() {
        if (id_ <= 0) return;
        ::kill(-id_, SIGKILL);
        int status = 0;
        while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
        }
    }

    /// Reads both outputs to their ends, or what is in them once the program itself has ended: ssh leaves one
    /// in the background that keeps them open.
    result<program_output> finish(const until& u, const std::string& name, std::size_t largest) {
        program_output all;
        pollfd ends[] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
        while (ends[0].fd >= 0 || ends[1].fd >= 0) {
            ACT_TRY_VOID(in_time(u, name));
            const bool over = has_ended();
            const int ready = ::poll(ends, 2, over ? 0 : static_cast<int>(look_at_stop / 1ms));
            if (ready < 0 && errno != EINTR) return error::from_errno(errno, "cannot wait for " + name);
            if (ready == 0 && over) break;
            for (auto& end : ends) {
                if (end.fd < 0 || end.revents == 0) continue;
                std::string& into = end.fd == out_.get() ? all.out : all.err;
                char data[16384];
                const auto got = ::read(end.fd, data, sizeof data);
                if (got < 0 && errno == EINTR) continue;
                if (got <= 0) {
                    end.fd = -1;
                    continue;
                }
                into.append(data, static_cast<std::size_t>(got));
                if (into.size() > largest)
                    return error(kind::protocol, "`" + name + "` says far more than is expected");
            }
        }
        // It may close its outputs and go on.
        int status = 0;
        for (pid_t ended = 0; ended == 0;) {
            ended = ::waitpid(id_, &status, WNOHANG);
            if (ended < 0) {
                id_ = -1;
                return error::from_errno(errno, "cannot wait for " + name);
            }
            if (ended != 0) continue;
            ACT_TRY_VOID(in_time(u, name));
            ::poll(nullptr, 0, static_cast<int>(look_at_stop / 1ms));
        }
        id_ = -1;
        all.code = WIFEXITED(status) ? WEXITSTATUS(status) : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1;
        return all;
    }

private:
    /// Without taking its status.
    bool has_ended() const {
        siginfo_t info{};
        const int known = ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT);
        return known == 0 ? info.si_pid == id_ : errno == ECHILD;
    }
    static result<void> in_time(const until& u, const std::string& name) {
        auto ok = u.check();
        if (ok || ok.error().kind() != kind::timeout) return ok;
        return error(kind::timeout, "`" + name + "` did not end in time");
    }
    pid_t id_ = -1;
    descriptor out_, err_;
};

}  // namespace

result<program_output> run_program(const std::vector<std::string>& command, const program_options& options,
                                   const until& u) {
    child program;
    ACT_TRY_VOID(program.start(command, options));
    return program.finish(u, command[0], options.largest_output);
}

bool on_path(const std::string& program) {
    if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
    const char* path = ::getenv("PATH");
    std::string folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
    for (std::size_t from = 0; from <= folders.size();) {
        std::size_t end = std::min(folders.find(':', from), folders.size());
        std::string folder = folders.substr(from, end - from);
        if (::access(((folder.empty() ? "." : folder) + "/" + program).c_str(), X_OK) == 0) return true;
        from = end + 1;
    }
    return false;
}

}  // namespace act::file
