#include "submit/agent/foreground.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/core/utf8.hpp"
#include "engine/file/file.hpp"
#include "engine/file/program.hpp"
#include "engine/file/tree_removal.hpp"
#include "submit/agent/agent.hpp"
#include "submit/agent/container_end.hpp"
#include "submit/agent/launch.hpp"
#include "submit/agent/leftovers.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/signals.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/tree.hpp"
#include "submit/agent/work_folder.hpp"

namespace act::agent {

namespace {

void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

sigset_t block_foreground_signals() {
    sigset_t signals = block_signals();
    for (int s : {SIGHUP, SIGQUIT}) sigaddset(&signals, s);
    for (int s : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
        if (is_ignored_end(s)) sigdelset(&signals, s);
    }
    ::sigprocmask(SIG_SETMASK, &signals, nullptr);
    return signals;
}

/// What a command that is killed has made of the terminal is undone.
class terminal_settings {
public:
    terminal_settings() : known_(::tcgetattr(STDIN_FILENO, &before_) == 0) {}
    ~terminal_settings() {
        if (known_ && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp()) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    terminal_settings(const terminal_settings&) = delete;
    terminal_settings& operator=(const terminal_settings&) = delete;

private:
    termios before_{};
    bool known_;
};

/// What was killed may yet take its time, as with a large GPU's memory, or need for ever, as a process may
/// that a file server holds.
constexpr std::chrono::seconds patience_with_killed{10};

constexpr const char* without_image = "`--no-docker` runs the command outside of the image";

/// Runs the command once and to its end.
class foreground_run {
public:
    explicit foreground_run(const spec& s) : spec_(s), signals_(block_foreground_signals()) {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    }

    int see_through() {
        const int code = start_and_wait();
        end_descendants(signals_, std::chrono::seconds(2), steady::now() + patience_with_killed,
                        more_signals::heard);
        return code;
    }

    /// Is nobody left who could use the work folder? Else it is said who is.
    bool all_ended() const {
        std::string pids;
        for (const pid_t pid : descendants(::getpid())) pids += " " + std::to_string(pid);
        if (!pids.empty()) {
            say("act: what the command started could not be ended: process" + pids + "; " + spec_.work +
                " stays until the next `act local` after its end");
        }
        const named_container there = container();
        const bool container_left = client_lost_ && !remove_container(there);
        if (container_left)
            say("act: " + spec_.work +
                " stays: the container may still be there; end it: " + removal_of(there));
        return pids.empty() && !container_left;
    }

private:
    int start_and_wait() {
        if (!spec_.container.empty()) {
            if (auto written = write_spec_for_container(); !written)
                return fail(spec_, exit_setup_failed, written.error().message(), written.error().advice());
        } else {
            prepare_launch(spec_.gpu_names);
        }
        const pid_t me = ::getpid();
        const pid_t child = ::fork();
        if (child < 0)
            return fail(spec_, exit_setup_failed, std::string("cannot start: ") + std::strerror(errno));
        if (child == 0) {
            // Should this process be killed, nobody would end the command; a container's client passes on
            // what it can.
            ::prctl(PR_SET_PDEATHSIG, spec_.container.empty() ? SIGKILL : SIGTERM);
            if (::getppid() != me) ::_exit(exit_setup_failed);
            reset_signals(ignored::stay);
            ::_exit(spec_.container.empty() ? become(spec_, 0) : become_container());
        }
        return wait_for(child);
    }

    int wait_for(pid_t child) {
        enum { at_work, asked, container_killed, killed } stage = at_work;
        auto next = never, give_up = never;
        for (;;) {
            siginfo_t about{};
            const int signal = next_signal(signals_, next, &about);
            if (signal == SIGCHLD) {
                // Looked at below.
            } else if (stage == at_work) {
                stage = asked;
                // A container's agent has the same grace for what is in it.
                next = steady::now() +
                       std::chrono::seconds(spec_.grace_seconds + (spec_.container.empty() ? 0 : 2));
                // Whoever asks the terminal asks all in front of it.
                if (about.si_code != SI_KERNEL) signal_descendants(::getpid(), signal);
            } else if (stage == asked && !spec_.container.empty()) {
                stage = container_killed;
                kill_container(container());
                // Its client then ends by itself, and leaves the terminal as it was.
                next = steady::now() + std::chrono::seconds(2);
            } else if (stage == killed && (signal != 0 || steady::now() >= give_up)) {
                client_lost_ = !spec_.container.empty();
                return 128 + SIGKILL;
            } else {
                if (stage != killed) give_up = steady::now() + patience_with_killed;
                stage = killed;
                signal_descendants(::getpid(), SIGKILL);
                next = steady::now() + std::chrono::seconds(1);
            }
            int status = 0;
            while (pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
                if (pid < 0) break;
                if (pid != child) continue;
                client_lost_ = !spec_.container.empty() && (stage != at_work || WIFSIGNALED(status));
                return exit_code_of_status(status);
            }
        }
    }

    named_container container() const {
        return spec_.container.empty() ? named_container{}
                                       : named_container{spec_.container.front(), spec_.container_name};
    }

    result<void> write_spec_for_container() const {
        spec inside = spec_;
        for (auto* words : {&inside.container, &inside.carried, &inside.outputs}) words->clear();
        for (const auto& name : spec_.carried) inside.env.erase(name);
        return write_spec(spec_.work + "/spec.json", inside);
    }

    int become_container() const {
        for (const auto& name : spec_.carried) {
            if (auto found = spec_.env.find(name); found != spec_.env.end())
                ::setenv(name.c_str(), found->second.c_str(), 1);
        }
        const int number = exec_command(spec_.container);
        return fail(spec_, exit_setup_failed,
                    "cannot start " + spec_.container.front() + ": " + std::strerror(number), without_image);
    }

    const spec& spec_;
    sigset_t signals_;
    bool client_lost_ = false;  ///< so the container need not have ended
};

void tell_outputs(const spec& s) {
    for (const auto& folder : s.outputs) {
        // Nothing was written.
        if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) continue;
        say("outputs are in " + folder);
    }
}

/// On a node they would be lost, and nobody has said so to whoever wrote the command.
void tell_leftovers(const spec& s, const leftovers& left) {
    std::string names;
    for (const auto& name : left.names) names += (names.empty() ? "" : ", ") + printable(name);
    if (left.files > left.names.size()) names += ", ...";
    say("act: " + std::to_string(left.files) + (left.files == 1 ? " file was" : " files were") +
        " written beside the code, where a run on a cluster keeps nothing: " + names + "\n  they are in " +
        s.work + "/code until `act prune`; write into a folder that config_param maps");
}

void leave_work(const spec& s, bool unused) {
    if (s.keep) {
        keep_work_folder(s.work);
        say("the code is in " + s.work + "/code");
    } else if (!unused) {
        return;
    } else if (const leftovers left = find_leftovers(s.work); left.files > 0) {
        keep_work_folder(s.work);
        tell_leftovers(s, left);
    } else if (auto gone = file::remove_tree(s.work); !gone) {
        say("act: " + gone.error().message() + "\n" + gone.error().advice() + ": the next `act local` does");
    }
}

/// Docker's own code for a container that it could not start is that of a set-up that fails, which says why.
void tell_unstarted(const spec& s, int code) {
    if (s.container.empty() || code != exit_setup_failed || file::stat_of(s.work + "/failure.txt", false))
        return;
    say("act: " + s.container.front() + " could not start the container; see what it says above\n" +
        without_image);
}

}  // namespace

int run_in_container(const spec& s) { return foreground_run(s).see_through(); }

int run_in_foreground(const std::string& spec_file) {
    auto s = read_spec(spec_file);
    // The environment in it may hold secrets.
    ::unlink(spec_file.c_str());
    if (!s) {
        say("act agent: " + s.error().message());
        return exit_setup_failed;
    }
    // The cluster's image has it there; this machine need not.
    if (s->container.empty() && !file::on_path(s->interpreter_path)) s->interpreter_path = "python";
    foreground_run run(*s);
    const int code = [&] {
        const terminal_settings restored_before_a_word;
        return run.see_through();
    }();
    tell_unstarted(*s, code);
    tell_outputs(*s);
    leave_work(*s, run.all_ended());
    return code;
}

error become_foreground(const std::string& executable, const std::string& spec_file) {
    const int number = exec_command({executable, "agent", "foreground", spec_file});
    return error::from_errno(number, "cannot start " + executable);
}

}  // namespace act::agent
