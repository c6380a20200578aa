#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/file/file.hpp"
#include "transfer/auth/token_answer.hpp"

namespace act::auth {
namespace {

using namespace std::chrono_literals;

constexpr auto longest = 60s;
constexpr auto look_at_stop = 100ms;
constexpr std::size_t largest_output = 256 * 1024;

struct output {
    std::string out, err;
    int status = 0;
};

/// The start of a program with both its outputs in pipes, in a process group of its own.
class child {
public:
    result<void> start(const std::vector<std::string>& command) {
        int out[2], err[2];
        if (::pipe2(out, O_CLOEXEC) != 0) return error::from_errno(errno, "cannot make a pipe");
        out_ = file::descriptor(out[0]);
        const file::descriptor out_end(out[1]);
        if (::pipe2(err, O_CLOEXEC) != 0) return error::from_errno(errno, "cannot make a pipe");
        err_ = file::descriptor(err[0]);
        const file::descriptor err_end(err[1]);

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
        for (const int s : {SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&usual, s);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &usual);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        ::posix_spawnattr_setflags(&attributes,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        std::vector<char*> words;
        for (const auto& w : command) words.push_back(const_cast<char*>(w.c_str()));
        words.push_back(nullptr);
        const int failed = ::posix_spawnp(&id_, words[0], &files, &attributes, words.data(), ::environ);
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
        if (failed != 0) id_ = -1;
        if (failed == ENOENT) {
            return error(kind::configuration, "the program `" + command[0] + "` is not there",
                         "install the Azure CLI and run `az login`, or use another `auth`");
        }
        if (failed != 0) return error::from_errno(failed, "cannot start " + command[0]);
        return {};
    }

    ~child() {
        if (id_ <= 0) return;
        ::kill(-id_, SIGKILL);
        (void)wait();
    }

    /// Reads both outputs to their ends.
    result<output> finish(const until& u, const std::string& name) {
        output all;
        pollfd ends[] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
        while (ends[0].fd >= 0 || ends[1].fd >= 0) {
            ACT_TRY_VOID(in_time(u, name));
            if (::poll(ends, 2, static_cast<int>(look_at_stop / 1ms)) < 0 && errno != EINTR)
                return error::from_errno(errno, "cannot wait for " + name);
            for (auto& end : ends) {
                if (end.fd < 0 || end.revents == 0) continue;
                std::string& into = end.fd == out_.get() ? all.out : all.err;
                char data[4096];
                const auto got = ::read(end.fd, data, sizeof data);
                if (got < 0 && errno == EINTR) continue;
                if (got <= 0) {
                    end.fd = -1;
                    continue;
                }
                into.append(data, static_cast<std::size_t>(got));
                if (into.size() > largest_output)
                    return error(kind::protocol, "`" + name + "` says far more than a token");
            }
        }
        // It may close its outputs and go on.
        for (pid_t ended = 0; ended == 0;) {
            ended = ::waitpid(id_, &all.status, WNOHANG);
            if (ended != 0) continue;
            ACT_TRY_VOID(in_time(u, name));
            ::poll(nullptr, 0, static_cast<int>(look_at_stop / 1ms));
        }
        id_ = -1;
        return all;
    }

private:
    static result<void> in_time(const until& u, const std::string& name) {
        auto ok = u.check();
        if (ok || ok.error().kind() != kind::timeout) return ok;
        return error(kind::timeout, "`" + name + "` did not end in time");
    }
    int wait() {
        int status = 0;
        while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
        }
        return status;
    }
    pid_t id_ = -1;
    file::descriptor out_, err_;
};

class program_source final : public token_source {
public:
    program_source(runtime& rt, std::string program) : runtime_(rt), program_(std::move(program)) {}

    task<result<access_token>> obtain(until u) override {
        const until limit = u.within(longest);
        auto run = [this, &limit]() -> result<output> {
            child az;
            ACT_TRY_VOID(az.start({program_, "account", "get-access-token", "--output", "json", "--resource",
                                   std::string(storage_resource)}));
            return az.finish(limit, program_);
        };
        ACT_CO_TRY(const output said, co_await runtime_.blocking(run));
        if (!WIFEXITED(said.status) || WEXITSTATUS(said.status) != 0) {
            std::string why = said.err.substr(0, std::min<std::size_t>(said.err.find_first_of("\r\n"), 300));
            co_return error(kind::authentication,
                            fmt::format("`{}` gave no token: {}", program_, redact(why)),
                            "run `az login`, and `az account show` to see who is logged in");
        }
        auto token = read_token(said.out, now());
        if (token) co_return token;
        error bad = token.error();
        co_return std::move(bad).in("`" + program_ + "`");
    }

private:
    runtime& runtime_;
    const std::string program_;
};

}  // namespace

std::shared_ptr<token_source> azure_cli(runtime& rt, std::string program) {
    return std::make_shared<program_source>(rt, std::move(program));
}

}  // namespace act::auth
