#pragma once

#include <string>
#include <vector>

#include "engine/core/result.hpp"
#include "submit/agent/agent.hpp"

/// Child processes of the agent. Private to this folder; for a process without threads.
namespace act::agent {

/// Runs a command to its end in `folder`, with no input and both outputs to `output_fd`. Its exit code, 128 +
/// N after signal N, 127 when it could not be started.
result<int> run_step(const std::vector<std::string>& command, const std::string& folder, int output_fd);

/// The code of a status of waitpid.
int exit_code_of_status(int status);

/// Leaves the reason in work/failure.txt and, with the advice, on stderr. Returns the code.
int fail(const spec&, int code, const std::string& reason, const std::string& advice = {});

/// What becomes of signals that ask for an end and are ignored, as by nohup and by shells in the background.
enum class ignored { reset, stay };
/// Is it one of them: SIGHUP, SIGINT, SIGQUIT or SIGTERM, ignored?
bool is_ignored_end(int signal);
/// Default actions and an empty mask, as a command expects them.
void reset_signals(ignored = ignored::reset);

/// Replaces this process. Returns errno.
int exec_command(const std::vector<std::string>& command);

/// Takes file descriptor 0 from the null device, and 1 and 2 from `out` and `err`.
void redirect(int out, int err);

}  // namespace act::agent
