#pragma once

#include <chrono>
#include <csignal>
#include <sys/types.h>
#include <vector>

#include "submit/agent/signals.hpp"

/// The processes below this one, and beside it. Private to this folder.
namespace act::agent {

/// All living descendants of `root`, found through /proc.
std::vector<pid_t> descendants(pid_t root);
/// Sends a signal to each, twice over while new ones appear: a process may fork while it is being looked for.
void signal_descendants(pid_t root, int signal);
/// Ends all below this process and waits for them, if it is a subreaper for all generations: by SIGTERM, and
/// what is left after the grace by SIGKILL. The signals are block_signals()'s, as a rule.
/// What still lives at `give_up`, as a process may that a file server holds, is left alone. Where more
/// signals are `heard`, the next ends the grace, and the one after that the waiting.
enum class more_signals { ignored, heard };
void end_descendants(const sigset_t& signals, std::chrono::seconds grace, steady::time_point give_up = never,
                     more_signals = more_signals::ignored);
/// SIGTERM to a process that has the same parent as this one; nothing to another that has the pid by now.
void end_sibling(pid_t);

}  // namespace act::agent
