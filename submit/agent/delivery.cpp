#include "submit/agent/delivery.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/agent/process.hpp"

namespace act::agent {

pid_t start_delivery(const spec& s, const delivery& d) {
    const pid_t me = ::getpid(), child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != me) ::_exit(1);
    reset_signals();
    const std::string path = s.logs + "/delivery.txt";
    file::descriptor log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!log || (!s.project.empty() && ::chdir(s.project.c_str()) != 0)) ::_exit(1);
    redirect(log.get(), log.get());
    exec_command(d.command);
    ::_exit(127);
}

std::string undelivered(const spec& s, const delivery& d, int code) {
    return "what is in " + d.folder + " could not be brought to the store (code " + std::to_string(code) +
           "); " + s.logs + "/delivery.txt says why";
}

int deliver_all(const spec& s) {
    int outcome = 0;
    for (const auto& d : s.deliveries) {
        const pid_t child = start_delivery(s, d);
        int status = 0;
        pid_t ended = child;
        while (child > 0 && (ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
        }
        const int code = child > 0 && ended == child ? exit_code_of_status(status) : 1;
        if (code != 0) outcome = fail(s, 1, undelivered(s, d, code), "");
    }
    return outcome;
}

}  // namespace act::agent
