#pragma once

#include <string>

#include "engine/core/result.hpp"
#include "submit/agent/agent.hpp"

/// A run at the terminal: no supervisor, no record, one process, whose input and outputs are this one's.
namespace act::agent {

/// Takes the place of this process, by `executable agent foreground SPEC`; returns when that failed.
error become_foreground(const std::string& executable, const std::string& spec_file);

/// The same here: reads the spec and removes the file, sets up, runs the command as its child, in a container
/// if the spec says so, and returns its exit code. A signal that asks it to end goes to all below it (but for
/// those that the terminal gave them already); what is left after the grace, or at the next such signal, is
/// killed. What outlives the command ends with it; then the work folder goes, but not the outputs. What
/// cannot be killed is waited for a while only; the folder then stays with it.
int run_in_foreground(const std::string& spec_file);

/// `act agent contained SPEC`, what that starts in the container: the command alone.
int run_in_container(const spec&);

}  // namespace act::agent
