#include "submit/agent/process.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace act::agent {

int exit_code_of_status(int status) {
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : 1;
}

bool is_ignored_end(int signal) {
    struct sigaction now {};
    return (signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGTERM) &&
           ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

void reset_signals(ignored how) {
    for (int s = 1; s < NSIG; ++s) {
        if (s == SIGKILL || s == SIGSTOP || (how == ignored::stay && is_ignored_end(s))) continue;
        ::signal(s, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int exec_command(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    argv.reserve(command.size() + 1);
    for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    return errno;
}

void redirect(int out, int err) {
    int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0) ::dup2(null, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
}

result<int> run_step(const std::vector<std::string>& command, const std::string& folder, int output_fd) {
    pid_t child = ::fork();
    if (child < 0) return error::from_errno(errno, "cannot start " + command.front());
    if (child == 0) {
        reset_signals(ignored::stay);
        redirect(output_fd, output_fd);
        if (::chdir(folder.c_str()) != 0) ::_exit(127);
        exec_command(command);
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return error::from_errno(errno, "cannot wait for " + command.front());
    }
    return exit_code_of_status(status);
}

}  // namespace act::agent
