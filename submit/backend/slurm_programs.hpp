#pragma once

#include <map>

#include "engine/async/runtime.hpp"
#include "engine/core/clock.hpp"
#include "engine/file/program.hpp"

/// sbatch, squeue, sacct and scancel: on this machine, or on a login node by ssh. Private to this folder.
namespace act::backend::slurm {

class programs {
public:
    /// `environment` is this program's; what looks like a credential in it is kept from sbatch, which would
    /// carry it into the job. `ssh`: user@host, or empty. `longest`: a busy controller may take a minute, and
    /// Slurm's own limit is longer.
    programs(act::runtime&, const std::map<std::string, std::string>& environment, std::string ssh,
             steady::duration longest = std::chrono::seconds(120));

    /// Runs one of them; the arguments arrive as they are. kind::configuration when it is not there,
    /// kind::unavailable when the host or Slurm's controller cannot be reached or takes too long. Any other
    /// outcome is the caller's to judge.
    task<result<file::program_output>> run(std::vector<std::string> command, until);

    /// What sbatch carries into the job of this program's environment; of what is behind ssh nothing is
    /// known.
    std::map<std::string, std::string> carried() const;

    /// "on HOST", or "on this machine".
    std::string where() const;

private:
    act::runtime& runtime_;
    file::program_options options_;
    std::string ssh_;
    steady::duration longest_;
};

/// What a program said, in one line: the first that is not empty, without its "sbatch: error: ".
std::string first_line(const std::string& text);

}  // namespace act::backend::slurm
