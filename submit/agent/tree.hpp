#pragma once

#include <chrono>
#include <csignal>
#include <sys/types.h>
#include <vector>

/// The processes below this one. Private to this folder.
namespace act::agent {

/// All living descendants of `root`, found through /proc.
std::vector<pid_t> descendants(pid_t root);
/// Sends a signal to each, twice over while new ones appear: a process may fork while it is being looked for.
void signal_descendants(pid_t root, int signal);
/// Ends all below this process and waits for them, if it is a subreaper for all generations: by SIGTERM, and
/// what is left after the grace by SIGKILL. The signals are block_signals()'s; more of them change nothing.
void end_descendants(const sigset_t& signals, std::chrono::seconds grace);

}  // namespace act::agent
