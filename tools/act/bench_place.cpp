#include "tools/act/bench_place.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/units.hpp"
#include "engine/file/stream.hpp"
#include "tools/act/meters.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr std::uint64_t synced_from = 64 * MiB;  ///< as file::aside does

std::uint64_t available_memory() {
    const std::string text = slurp("/proc/meminfo");
    const std::size_t at = text.find("MemAvailable:");
    unsigned long long kib = 0;
    if (at == std::string::npos || std::sscanf(text.c_str() + at, "MemAvailable: %llu", &kib) != 1)
        return ~std::uint64_t{0};
    return kib * KiB;
}

bool is_memory(const std::string& folder) {
    struct statfs s {};
    return ::statfs(folder.c_str(), &s) == 0 && s.f_type == TMPFS_MAGIC;
}

/// SplitMix64, a word at a time.
void fill_with_noise(std::vector<std::uint64_t>& words, std::uint64_t& state) {
    for (auto& word : words) {
        std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        word = z ^ (z >> 31);
    }
}

double since(steady::time_point begun) {
    return std::chrono::duration<double>(steady::now() - begun).count();
}

}  // namespace

bool shrink_to(bench_sizes& sizes, std::uint64_t copies, std::uint64_t room) {
    bool shrunk = false;
    while (copies * sizes.files() > room && (sizes.large > MiB || sizes.small_count > 10)) {
        shrunk = true;
        if (sizes.large >= sizes.files() / 2) {
            sizes.large /= 2;
        } else {
            sizes.small_count /= 2;
        }
    }
    return shrunk;
}

std::uint64_t room_in(const std::string& folder) {
    struct statvfs s {};
    if (::statvfs(folder.c_str(), &s) != 0) return 0;
    // Not to the last byte: others write too.
    const std::uint64_t free = static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize / 10 * 9;
    return is_memory(folder) ? std::min(free, available_memory() / 2) : free;
}

std::string folder_with_room(const world& w, std::uint64_t bytes) {
    const std::string memory = "/dev/shm", disk = w.variable("TMPDIR", "/tmp");
    const bool usable = is_memory(memory) && ::access(memory.c_str(), W_OK | X_OK) == 0;
    const std::uint64_t in_memory = usable ? room_in(memory) : 0;
    return in_memory >= bytes || in_memory > room_in(disk) ? memory : disk;
}

result<std::unique_ptr<scratch>> scratch::in(const std::string& folder) {
    std::string name = folder + "/act-bench-XXXXXX";
    if (!::mkdtemp(name.data())) {
        return error(error::from_errno(errno, "cannot make a folder in " + folder))
            .with_advice("name another one with --folder");
    }
    return std::unique_ptr<scratch>(new scratch(std::move(name)));
}

scratch::~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

result<double> write_noise(const std::string& path, std::uint64_t bytes, std::uint64_t seed, const until& u) {
    const file::descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return error::from_errno(errno, "cannot make " + path);
    std::vector<std::uint64_t> words(std::min<std::uint64_t>(bytes / 8 + 1, MiB / 8));
    double seconds = 0;
    for (std::uint64_t at = 0; at < bytes;) {
        ACT_TRY_VOID(u.check());
        fill_with_noise(words, seed);
        const auto all = std::as_bytes(std::span(words));
        const auto piece = all.first(std::min<std::uint64_t>(all.size(), bytes - at));
        const auto begun = steady::now();
        ACT_TRY_VOID(file::write_at(fd.get(), piece, at, path));
        seconds += since(begun);
        at += piece.size();
    }
    if (bytes >= synced_from) {
        const auto begun = steady::now();
        if (::fdatasync(fd.get()) != 0) return error::from_errno(errno, "cannot write " + path);
        seconds += since(begun);
    }
    return seconds;
}

result<std::unique_ptr<store_process>> store_process::start(const world& w, const std::string& root,
                                                            const std::string& log) {
    if (w.executable.empty()) {
        return error(kind::configuration, "cannot find this program's own file to start the store with",
                     "is /proc mounted?");
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return error::from_errno(errno, "cannot make a pipe");
    file::descriptor says(ends[0]), out(ends[1]);
    const file::descriptor in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const file::descriptor err(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!in || !err) return error::from_errno(errno, "cannot open " + log);

    std::string words[] = {w.executable, "serve", "--root", root, "--listen", "127.0.0.1:0"};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(),
                    words[4].data(), words[5].data(), nullptr};
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return error::from_errno(errno, "cannot start the store");
    if (child == 0) {
        // Nothing here that could take a lock: other threads held some.
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(in.get(), 0);
        ::dup2(out.get(), 1);
        ::dup2(err.get(), 2);
        ::execv(argv[0], argv);
        ::_exit(127);
    }
    out.reset();
    std::unique_ptr<store_process> made(new store_process(child, std::move(says)));
    file::stream_reader reader(made->says_.get(), "the store");
    const until patience = until{.stop = w.stop.token()}.within(std::chrono::seconds(30));
    constexpr std::string_view ready = "listening on ";
    std::string said;
    while (said.find('\n') == std::string::npos) {
        const std::size_t had = said.size();
        said.resize(had + 4096);
        ACT_TRY(const std::size_t got,
                reader.read_some(std::as_writable_bytes(std::span(said.data() + had, 4096)), patience));
        said.resize(had + got);
        if (got > 0) continue;
        const std::string why = slurp(log);
        return error(kind::internal, "the embedded store did not start: " + why, "try `act serve`");
    }
    const std::string line = said.substr(0, said.find('\n'));
    if (!line.starts_with(ready)) return error(kind::internal, "the embedded store said: " + line);
    made->endpoint_ = line.substr(ready.size());
    return made;
}

store_process::~store_process() {
    ::kill(pid_, SIGTERM);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace act::cli
