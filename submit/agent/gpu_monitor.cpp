#include "submit/agent/gpu_monitor.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/clock.hpp"
#include "engine/core/text.hpp"
#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "engine/file/program.hpp"
#include "submit/agent/process.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/runs/log_files.hpp"

namespace act::agent {
namespace {

using namespace std::chrono_literals;

/// A short run is to have a line, too.
constexpr int first_after = 30;

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t value = 0;
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string size_in(std::string_view mebibytes) {
    const auto n = number_in(mebibytes);
    return n ? human_size(*n * MiB) : "?";
}

std::string disk_text(const std::string& folder) {
    std::error_code unknown;
    const auto disk = std::filesystem::space(folder, unknown);
    return unknown ? std::string() : "disk_free " + human_size(disk.available) + " ";
}

/// Nothing: there is no nvidia-smi any more.
std::optional<std::string> look(const std::string& gpus) {
    std::vector<std::string> ask = {"nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total",
                                    "--format=csv,noheader,nounits"};
    if (!gpus.empty()) ask.insert(ask.end(), {"-i", gpus});
    // A broken driver may keep it for ever.
    const auto said = file::run_program(ask, {}, until{}.within(20s));
    if (said && said->code == 0) return gpu_line(said->out);
    if (said) {
        const std::string& why = said->err.empty() ? said->out : said->err;
        return "nvidia-smi ended with code " + std::to_string(said->code) + ": " +
               why.substr(0, why.find('\n'));
    }
    if (said.error().kind() == kind::not_found) return std::nullopt;
    return said.error().message();
}

bool write_line(const std::string& log, const std::string& line) {
    const file::descriptor fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    // One call: a log of several nodes' folder is read while it grows.
    return fd && ::write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace

std::string gpu_line(std::string_view said) {
    std::vector<std::string> memory, used;
    for (const auto& line : split(said, '\n')) {
        const auto values = split(line, ',');
        if (values.size() != 3) continue;
        memory.push_back(size_in(values[1]) + " of " + size_in(values[2]));
        const auto share = number_in(values[0]);
        used.push_back(share ? std::to_string(*share) + "%" : "?");
    }
    if (used.empty()) return "nvidia-smi shows no GPU";
    return "gpu_memory " + join(memory, ", ") + " gpu_util " + join(used, ", ");
}

void start_gpu_monitor(const spec& s, int node, const std::string& gpus) {
    const auto started = process_started(::getpid());
    if (s.gpu_monitor_seconds <= 0 || !started || !file::on_path("nvidia-smi")) return;
    std::vector<std::string> command = {
        "/proc/self/exe",
        "agent",
        "watch-gpus",
        std::to_string(::getpid()),
        std::to_string(*started),
        std::to_string(s.gpu_monitor_seconds),
        s.work,
        s.logs + "/" + runs::log_name("monitor", static_cast<unsigned>(node))};
    if (!gpus.empty()) command.push_back(gpus);
    // Not a child of the command, which may wait for all that it has.
    const pid_t between = ::fork();
    if (between == 0) {
        if (::fork() != 0) ::_exit(0);
        reset_signals();
        const int nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        redirect(nothing, nothing);
        exec_command(command);
        ::_exit(exit_command_not_found);
    }
    while (between > 0 && ::waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
    }
}

int watch_gpus(const std::vector<std::string>& arguments) {
    if (arguments.size() < 5) return 2;
    const auto pid = number_in(arguments[0]), started = number_in(arguments[1]),
               every = number_in(arguments[2]);
    if (!pid || !started || !every || *every == 0) return 2;
    const std::string &work = arguments[3], &log = arguments[4];
    const std::string gpus = arguments.size() > 5 ? arguments[5] : std::string();
    const std::string node = host_name();
    auto pause = std::min<std::uint64_t>(*every, first_after);
    for (;; pause = *every) {
        for (std::uint64_t second = 0; second < pause; ++second) {
            if (!lives(static_cast<std::int64_t>(*pid), *started, {})) return 0;
            ::sleep(1);
        }
        const auto line = look(gpus);
        if (!line || !write_line(log, to_iso8601(now()) + " " + node + " " + disk_text(work) + *line + "\n"))
            return 0;
    }
}

}  // namespace act::agent
