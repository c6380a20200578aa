#pragma once

#include <csignal>
#include <cstdio>

#include "engine/core/error.hpp"

/// Private to this folder; for a process without threads.
namespace act::agent {

/// A full disk may be emptied again, and a run of days is worth some patience: tries once a second, for a
/// minute. Signals of the set, which are blocked, end a pause; the others do what they do by default.
template <class Work>
auto patiently(const sigset_t& signals, Work work) -> decltype(work()) {
    constexpr timespec pause{1, 0};
    for (int tries = 1;; ++tries) {
        auto done = work();
        if (done || done.error().kind() == kind::not_found || tries == 60) return done;
        std::fprintf(stderr, "act agent: %s\n", done.error().message().c_str());
        (void)::sigtimedwait(&signals, nullptr, &pause);
    }
}

}  // namespace act::agent
