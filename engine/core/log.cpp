#include "engine/core/log.hpp"

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <unistd.h>

#include "engine/core/secret.hpp"

namespace act::log {

namespace {

std::atomic<level> threshold{level::warning};

std::string_view name_of(level l) {
    switch (l) {
        case level::error:
            return "error";
        case level::warning:
            return "warning";
        case level::info:
            return "info";
        case level::debug:
            return "debug";
        case level::trace:
            return "trace";
    }
    return "error";
}

/// One system call a line, so that lines of several threads and processes do not mix.
void write_to_stderr(level l, std::string_view line) {
    std::string text = fmt::format("act: {} {}\n", name_of(l), line);
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t n = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
}

struct output {
    std::mutex mutex;
    std::function<void(level, std::string_view)> sink = write_to_stderr;
};

/// Never destroyed: threads may log while the process ends.
output& the_output() {
    static auto* const o = new output;
    return *o;
}

/// Names of files and words of servers stand in lines: control characters could forge lines or drive a
/// terminal.
std::string without_controls(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void set_level(level l) { threshold.store(l, std::memory_order_relaxed); }
level current_level() { return threshold.load(std::memory_order_relaxed); }

void set_sink(std::function<void(level, std::string_view)> sink) {
    output& o = the_output();
    const std::lock_guard lock(o.mutex);
    o.sink = sink ? std::move(sink) : write_to_stderr;
}

void write(level l, std::string_view line) {
    const std::string text = without_controls(redact(line));
    output& o = the_output();
    const std::lock_guard lock(o.mutex);
    o.sink(l, text);
}

}  // namespace act::log
