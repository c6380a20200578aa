#pragma once

#include <sys/types.h>
#include <vector>

/// The processes below this one. Private to this folder.
namespace act::agent {

/// All living descendants of `root`, found through /proc.
std::vector<pid_t> descendants(pid_t root);
/// Sends a signal to each, twice over while new ones appear: a process may fork while it is being looked for.
void signal_descendants(pid_t root, int signal);

}  // namespace act::agent
