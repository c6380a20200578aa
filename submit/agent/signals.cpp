#include "submit/agent/signals.hpp"

#include <cerrno>

namespace act::agent {

sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int s : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, s);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

int next_signal(const sigset_t& set, steady::time_point deadline, siginfo_t* about) {
    for (;;) {
        int got;
        if (deadline == never) {
            got = ::sigwaitinfo(&set, about);
        } else {
            auto left =
                std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - steady::now()).count();
            if (left <= 0) return 0;
            timespec t{left / 1000000000, left % 1000000000};
            got = ::sigtimedwait(&set, about, &t);
        }
        if (got > 0) return got;
        if (errno == EAGAIN) return 0;
    }
}

}  // namespace act::agent
