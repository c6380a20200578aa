#include "submit/agent/supervise.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <malloc.h>
#include <optional>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/patience.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/queue.hpp"
#include "submit/agent/signals.hpp"
#include "submit/agent/supervisor.hpp"
#include "submit/runs/runs.hpp"

namespace act::agent {
namespace {

int complain(const error& e) {
    std::fprintf(stderr, "act agent: %s\n", e.message().c_str());
    return 1;
}

/// Whoever waits for us goes on. The environment in the file may hold secrets; from here on it is in memory
/// only.
void say_ready(int ready_fd, const std::string& spec_file) {
    char ok = '+';
    ::unlink(spec_file.c_str());
    [[maybe_unused]] ssize_t n = ::write(ready_fd, &ok, 1);
    ::close(ready_fd);
}

int supervise_here(const std::string& spec_file, const std::string& state_folder, int ready_fd) {
    for (int s : {SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP}) ::signal(s, SIG_IGN);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);

    auto s = read_spec(spec_file);
    if (!s) return complain(s.error());
    auto journal = runs::journal::open(state_folder);
    if (!journal) return complain(journal.error());
    std::optional<queue_place> place;
    if (!s->queue.empty()) {
        auto free = try_place(*s);
        if (!free) return complain(free.error());
        place = std::move(*free);
    } else {
        place = place_without_queue(*s);
    }
    bool waited = !place;
    if (waited) {
        // A signal ends this process at once here: whoever cancels the run writes it into the record.
        sigset_t none;
        sigemptyset(&none);
        supervisor work(*s, *journal, none);
        if (auto announced = work.announce(); !announced) return complain(announced.error());
        say_ready(ready_fd, spec_file);
        // There may be a thousand that wait like this: what reading the journal took is given back.
        ::malloc_trim(0);
        auto got = patiently(none, [&] { return wait_for_place(*s); });
        if (!got) {
            work.give_up(got.error());
            return complain(got.error());
        }
        place = std::move(*got);
    }
    supervisor work(*s, *journal, block_signals());
    auto go = work.take_over();
    if (!go) {
        work.give_up(go.error());
        return complain(go.error());
    }
    if (!waited) say_ready(ready_fd, spec_file);
    if (*go) work.see_through(place->gpus);
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
