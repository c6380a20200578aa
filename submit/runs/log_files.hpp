#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "submit/runs/runs.hpp"

/// The logs of a run on this machine.
namespace act::runs {

struct log_file {
    std::string name;  ///< below the run's logs: "stdout.txt", "user_logs/std_log.txt"
    std::string path;
    std::uint64_t size = 0;
};

/// What a process writes "stdout" or "stderr" to: "stdout.txt", "stdout-3.txt" for rank 3.
std::string log_name(const char* stream, unsigned rank);
/// All of them, of set-up and rank 0 first, then by name. None where the folder is not there. Blocks.
std::vector<log_file> log_files(const record&);
/// Those of one process: its standard output and error, for rank 0 with the set-up before them.
std::vector<log_file> log_files(const record&, unsigned rank);
/// Where rank 0 writes what people read first: its standard output, or what Azure ML has instead. Nothing
/// when there is none yet.
std::optional<log_file> master_log(const record&);

/// The last lines of a file, at most `cap` bytes of it; whole lines as far as that leaves any. Blocks.
result<std::string> last_lines(const std::string& path, std::size_t lines, std::size_t cap = 256 << 10);

}  // namespace act::runs
