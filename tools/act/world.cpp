#include "tools/act/world.hpp"

#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <malloc.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace act::cli {

namespace {

std::map<std::string, std::string> variables() {
    std::map<std::string, std::string> all;
    for (char** entry = ::environ; entry && *entry; ++entry) {
        if (const char *name = *entry, *equals = std::strchr(name, '='); equals) {
            all.emplace(std::string(name, equals), std::string(equals + 1));
        }
    }
    return all;
}

// COLUMNS wins, so that the width can be forced; else what the terminal says.
unsigned width_of_terminal(const std::string& columns) {
    unsigned value = 0;
    auto [end, problem] = std::from_chars(columns.data(), columns.data() + columns.size(), value);
    if (problem == std::errc() && end == columns.data() + columns.size() && value > 0) return value;
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

// With standard streams closed, the next files opened would get their numbers, and the bytes of a blob might
// go into the store's own index. What fills the places cannot be used that way: reading, or writing, fails.
void fill_closed_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

/// What the page of a listing took, the next one takes again: given back to the system in between, it would
/// be mapped and zeroed anew each time, which was a fifth of what a long listing costs.
void keep_freed_memory() {
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

}  // namespace

std::string world::variable(const std::string& name, std::string otherwise) const {
    auto found = environment.find(name);
    return found == environment.end() ? std::move(otherwise) : found->second;
}

std::string world::absolute(const std::string& path) const {
    return (std::filesystem::path(working_directory) / path).lexically_normal().string();
}

int run_process(int argc, char** argv) {
    keep_freed_memory();
    fill_closed_streams();
    // Ignored by whoever started this, it would keep the outcomes of programs from us.
    std::signal(SIGCHLD, SIG_DFL);
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    std::error_code missing;
    world w{.arguments = {argv + (argc > 0 ? 1 : 0), argv + argc},
            .in = std::cin,
            .out = std::cout,
            .problems = std::cerr,
            .environment = variables(),
            .working_directory = std::filesystem::current_path(missing).string(),
            .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
            .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
            .problems_is_terminal = ::isatty(STDERR_FILENO) == 1,
            .owns_process = true,
            .in_descriptor = STDIN_FILENO,
            .out_descriptor = STDOUT_FILENO,
            .executable = std::filesystem::read_symlink("/proc/self/exe", missing).string()};
    w.columns = [columns = w.variable("COLUMNS")] { return width_of_terminal(columns); };
    return run(w);
}

}  // namespace act::cli
