#pragma once

#include <csignal>

#include "engine/core/clock.hpp"

/// Signals that are taken from their queue instead of interrupting. Private to this folder; for a process
/// without threads.
namespace act::agent {

inline constexpr auto never = steady::time_point::max();

/// Blocks those that a process with children waits for: SIGTERM, SIGINT, SIGCHLD.
sigset_t block_signals();

/// Waits for one of the signals, which are blocked, at most until the deadline. 0 when that has passed. What
/// the kernel tells of it goes to `about`.
int next_signal(const sigset_t&, steady::time_point deadline, siginfo_t* about = nullptr);

}  // namespace act::agent
