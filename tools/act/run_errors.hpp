#pragma once

#include <vector>

#include "submit/runs/error_classes.hpp"
#include "tools/act/job_tools.hpp"

namespace act::cli {

/// What the logs of a run, and the reason in its record, say of why it failed: by ACT's classes and those of
/// the run's project. Reads all logs; blocks.
result<std::vector<runs::error_class>> errors_of(const runs::record&);
/// The same, and the record tells the names from then on if the run has ended.
result<std::vector<runs::error_class>> remember_errors(runs::journal&, runs::record&);

/// For people ("OOM  3 lines, stdout.txt:17: CUDA out of memory"), and as a line of --json.
std::string error_text(const runs::record&, const runs::error_class&);
std::string error_line(const runs::record&, const runs::error_class&);

}  // namespace act::cli
