#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/delivery.hpp"
#include "submit/agent/foreground.hpp"
#include "submit/agent/gpu_monitor.hpp"
#include "submit/agent/launch.hpp"
#include "submit/agent/node_check.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/ranked.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/tree.hpp"

namespace act::agent {

int fail(const spec& s, int code, const std::string& reason, const std::string& advice) {
    std::string text = reason + (advice.empty() ? "" : "\n" + advice);
    std::fprintf(stderr, "act agent: %s\n", text.c_str());
    std::string path = s.work + "/failure.txt";
    file::descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd) (void)file::write_at(fd.get(), std::as_bytes(std::span(reason)), 0, path);
    return code;
}

namespace {

void set_environment(const spec& s) {
    for (const auto& [key, value] : s.env) ::setenv(key.c_str(), value.c_str(), 1);
    ::setenv("ACT_RUN_ID", s.run.c_str(), 1);
    ::setenv("ACT_CODE_ROOT", (s.work + "/code").c_str(), 1);
}

/// The requirements may have gone into an environment of their own.
void enter_virtual_environment(const spec& s) {
    std::string venv = s.work + "/venv";
    if (::access((venv + "/bin/python").c_str(), X_OK) != 0) return;
    const char* path = ::getenv("PATH");
    ::setenv("VIRTUAL_ENV", venv.c_str(), 1);
    ::setenv("PATH", (venv + "/bin:" + (path ? path : "/usr/local/bin:/usr/bin:/bin")).c_str(), 1);
}

int take_place(const spec& s, const std::string& code) {
    if (::chdir(code.c_str()) != 0)
        return fail(s, exit_setup_failed, "cannot enter " + code + ": " + std::strerror(errno));
    ::setenv("PWD", code.c_str(), 1);
    reset_signals(s.foreground ? ignored::stay : ignored::reset);
    int number = exec_command(s.command);
    std::string reason = "cannot run '" + s.command.front() + "': " + std::strerror(number);
    if (number != ENOENT) return fail(s, exit_not_executable, reason, "is it a program, and executable?");
    return fail(s, exit_command_not_found, reason,
                "it is looked for on PATH, and names with a slash below the code root");
}

/// Runs the command as a child, passes signals on to it, and stays on the node afterwards where that is asked
/// for. Of several processes each notes a failure before its end becomes the others'.
int run_and_stay(const spec& s, const std::string& code, bool several) {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    pid_t child = ::fork();
    if (child < 0)
        return fail(s, exit_setup_failed, std::string("cannot start the command: ") + std::strerror(errno));
    if (child == 0) ::_exit(take_place(s, code));
    int ended = -1;
    while (ended < 0) {
        siginfo_t info;
        int signal = ::sigwaitinfo(&all, &info);
        if (signal > 0 && signal != SIGCHLD) {
            // A job's platform signals the whole group, so the command has had it already.
            if (!several) ::kill(child, signal);
            continue;
        }
        int status = 0;
        while (pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
            if (pid < 0) break;
            if (pid == child && (WIFEXITED(status) || WIFSIGNALED(status)))
                ended = exit_code_of_status(status);
        }
    }
    if (several && ended != 0) note_failure(s, ended);
    if (ended == 0 ? s.sleep_if_succeed : s.sleep_if_fail) {
        std::fprintf(
            stderr, "act agent: the command ended with code %d; staying until the run is cancelled\n", ended);
        reset_signals();
        for (;;) ::pause();
    }
    return ended;
}

/// Each process looks at the GPUs, for all nodes of a shared folder are set up by the first.
result<std::string> prepare(const spec& s) {
    ACT_TRY_VOID(check_gpus(s));
    return set_up(s);
}

/// One for the node: nodes of a local run are all this machine.
void watch_gpus_of(const spec& s, const std::optional<ranks>& ranks) {
    if (s.ranked) {
        if (!ranks || ranks->local_rank == 0) start_gpu_monitor(s, ranks ? ranks->node : 0, {});
        return;
    }
    const char *rank = ::getenv("RANK"), *gpus = ::getenv(gpus_variable);
    if (gpus && (!rank || std::strcmp(rank, "0") == 0)) start_gpu_monitor(s, 0, gpus);
}

}  // namespace

int run(const spec& s) {
    set_environment(s);
    auto ranks = s.ranked ? set_ranks(s) : std::nullopt;
    if (s.ranked) {
        auto opened = write_logs_of(s, ranks ? ranks->rank : 0);
        if (!opened) return fail(s, exit_setup_failed, opened.error().message(), opened.error().advice());
    }
    const bool several = s.ranked && ranks && ranks->size > 1;
    // Of an earlier try; of several processes one may have failed already.
    if (!several && s.processes() == 1) ::unlink((s.work + "/failure.txt").c_str());
    auto code = prepare(s);
    if (!code) {
        const bool unfit = code.error().kind() == kind::unavailable;
        const int why = unfit ? exit_node_unfit : exit_setup_failed;
        if (several) note_failure(s, why);
        return fail(s, why, code.error().message(), code.error().advice());
    }
    watch_gpus_of(s, ranks);
    enter_virtual_environment(s);
    return s.sleep_if_fail || s.sleep_if_succeed || several ? run_and_stay(s, *code, several)
                                                            : take_place(s, *code);
}

int entry(const std::vector<std::string>& arguments) {
    if (arguments.size() == 2 && arguments[0] == "end-meanwhile") {
        end_sibling(std::atoi(arguments[1].c_str()));
        return 0;
    }
    if (arguments.size() == 3 && arguments[0] == "supervise") return supervise(arguments[1], arguments[2]);
    if (arguments.size() == 2 && arguments[0] == "foreground") return run_in_foreground(arguments[1]);
    if (!arguments.empty() && arguments[0] == "watch-gpus")
        return watch_gpus({arguments.begin() + 1, arguments.end()});
    int (*const work)(const spec&) = arguments.size() != 2         ? nullptr
                                     : arguments[0] == "run"       ? run
                                     : arguments[0] == "rank"      ? run_rank_of_mpirun
                                     : arguments[0] == "contained" ? run_in_container
                                     : arguments[0] == "deliver"   ? deliver_all
                                                                   : nullptr;
    const bool beside = arguments.size() == 3 && arguments[0] == "deliver-meanwhile";
    if (work || beside) {
        auto s = read_spec(arguments[1]);
        if (s) return beside ? deliver_meanwhile(*s, std::atoi(arguments[2].c_str())) : work(*s);
        std::fprintf(stderr, "act agent: %s\n", s.error().message().c_str());
        return exit_setup_failed;
    }
    std::fprintf(stderr,
                 "usage: act agent run|rank|foreground|contained|deliver SPEC | act agent supervise SPEC "
                 "STATE_FOLDER\n"
                 "       act agent deliver-meanwhile SPEC STARTER | act agent end-meanwhile PID\n"
                 "This is what `act submit` starts; there is no need to call it by hand.\n");
    return 2;
}

}  // namespace act::agent
