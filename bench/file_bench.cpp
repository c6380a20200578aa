// The walk over a warm tree, and publishing small files. ACT_BENCH_DIR chooses where (default: TMPDIR or
// /tmp).
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <utility>

#include <benchmark/benchmark.h>

#include "engine/file/walk.hpp"

namespace {

using namespace act;

std::string base() {
    for (const char* const name : {"ACT_BENCH_DIR", "TMPDIR"}) {
        if (const char* const value = std::getenv(name)) return value;
    }
    return "/tmp";
}

class folder {
public:
    folder() : path_(base() + "/act-bench-XXXXXX") {
        if (!::mkdtemp(path_.data())) std::abort();
    }
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

void publish(const std::string& path, std::string_view content) {
    auto a = file::aside::create(path).value();
    file::write_at(a.fd(), std::as_bytes(std::span(content)), 0, path).value();
    a.publish(0644, wall_time(std::chrono::seconds(1'000'000'000))).value();
}

/// 200,000 empty files, so many to a directory, two levels; made once for all benchmarks of that shape.
const std::string& tree(std::int64_t files_per_directory) {
    static constexpr std::int64_t files = 200'000;
    static folder wide, narrow;
    static bool wide_made = false, narrow_made = false;
    const bool is_wide = files_per_directory >= 1000;
    const folder& f = is_wide ? wide : narrow;
    if (!std::exchange(is_wide ? wide_made : narrow_made, true)) {
        for (std::int64_t i = 0; i < files; ++i) {
            const std::int64_t d = i / files_per_directory;
            publish(f.path() + "/" + std::to_string(d / 50) + "/d" + std::to_string(d) + "/file-" +
                        std::to_string(i),
                    "");
        }
    }
    return f.path();
}

std::int64_t raw_below(int parent, const char* name) {
    const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const dir = ::fdopendir(fd);
    std::int64_t files = 0;
    while (const dirent* e = ::readdir(dir)) {
        if (e->d_name[0] == '.') continue;
        struct stat s;
        if (e->d_type == DT_DIR) {
            files += raw_below(fd, e->d_name);
        } else if (::fstatat(fd, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0) {
            ++files;
        }
    }
    ::closedir(dir);
    return files;
}

/// What the system calls alone cost, without names, order or threads: the bar for one thread.
void readdir_and_fstatat(benchmark::State& state) {
    const std::string& root = tree(state.range(0));
    std::int64_t files = 0;
    for (auto _ : state) files += raw_below(AT_FDCWD, root.c_str());
    state.SetItemsProcessed(files);
}
BENCHMARK(readdir_and_fstatat)->ArgName("per_directory")->Arg(20)->Arg(1000)->Unit(benchmark::kMillisecond);

void walk(benchmark::State& state) {
    const std::string& root = tree(state.range(0));
    std::int64_t files = 0;
    for (auto _ : state) {
        file::walk_options options;
        options.threads = static_cast<unsigned>(state.range(1));
        file::walker w(root, options, {});
        for (;;) {
            const auto batch = w.next().value();
            if (batch.empty()) break;
            files += static_cast<std::int64_t>(batch.size());
        }
    }
    state.SetItemsProcessed(files);
}
BENCHMARK(walk)
    ->ArgNames({"per_directory", "threads"})
    ->ArgsProduct({{20, 1000}, {0, 1, 2}})
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void publish_new(benchmark::State& state) {
    const folder f;
    const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
    std::int64_t n = 0;
    for (auto _ : state) {
        publish(f.path() + "/" + std::to_string(n / 1000) + "/" + std::to_string(n), content);
        ++n;
    }
    state.SetItemsProcessed(n);
}
BENCHMARK(publish_new)->Arg(4096)->Iterations(20'000)->UseRealTime();

void publish_over(benchmark::State& state) {
    const folder f;
    const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
    std::int64_t n = 0;
    for (auto _ : state) publish(f.path() + "/" + std::to_string(n++ % 100), content);
    state.SetItemsProcessed(n);
}
BENCHMARK(publish_over)->Arg(4096)->Iterations(20'000)->UseRealTime();

}  // namespace
