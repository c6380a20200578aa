#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/core/result.hpp"
#include "tools/act/options.hpp"

/// Parameter sweeps of `act submit`: a run for each point.
namespace act::cli {

/// The parameters of one run, in the order they were given.
using sweep_point = std::vector<std::pair<std::string, std::string>>;

/// All combinations of the values of each --sweep, and of the points of --sweep-file with them; the last
/// parameter changes fastest. Without either, nothing. Paths are absolute.
result<std::vector<sweep_point>> sweep_points(const std::vector<std::string>& parameters,
                                              const std::string& file);

/// The command of a point: {lr} stands for the value of lr, wherever in a word; what stands nowhere is
/// appended as `--lr VALUE`.
std::vector<std::string> command_at(const std::vector<std::string>& command, const sweep_point&);
/// A line for the shell is not appended to, and gets the values by its environment.
std::string shell_line_at(const std::string& line, const sweep_point&);

/// "lr=0.1 seed=2"
std::string to_text(const sweep_point&);
/// "learning-rate" is ACT_SWEEP_LEARNING_RATE.
std::string sweep_variable(const std::string& parameter);

}  // namespace act::cli
