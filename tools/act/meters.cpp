#include "tools/act/meters.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include "engine/file/file.hpp"

namespace act::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto cadence = 10ms;

double seconds(const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

double own_cpu() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/// The fields behind the last ')' of /proc/PID/stat, whose name may hold anything.
double process_cpu(pid_t process) {
    const std::string text = slurp(fmt::format("/proc/{}/stat", process));
    const std::size_t name = text.rfind(')');
    unsigned long long user = 0, system = 0;
    if (name == std::string::npos ||
        std::sscanf(text.c_str() + name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                    &system) != 2)
        return 0;
    return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Of the threads that are alive but the first: those of one measurement are its own.
double busiest_thread() {
    double most = 0;
    DIR* all = ::opendir("/proc/self/task");
    if (!all) return 0;
    while (const dirent* one = ::readdir(all)) {
        if (one->d_name == std::to_string(::getpid())) continue;
        unsigned long long ran = 0;
        const std::string text = slurp(fmt::format("/proc/self/task/{}/schedstat", one->d_name));
        if (std::sscanf(text.c_str(), "%llu", &ran) == 1)
            most = std::max(most, static_cast<double>(ran) * 1e-9);
    }
    ::closedir(all);
    return most;
}

unsigned usable_cores() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0)
        return std::max(1u, std::thread::hardware_concurrency());
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

/// What is resident at most counts anew from here.
void forget_peak() {
    // What the allocator kept of earlier work is not this one's.
    ::malloc_trim(0);
    if (std::FILE* f = std::fopen("/proc/self/clear_refs", "w")) {
        std::fputs("5", f);
        std::fclose(f);
    }
}

std::uint64_t peak_resident() {
    const std::string text = slurp("/proc/self/status");
    const std::size_t at = text.find("VmHWM:");
    unsigned long long kib = 0;
    if (at == std::string::npos || std::sscanf(text.c_str() + at, "VmHWM: %llu", &kib) != 1) return 0;
    return kib * 1024;
}

}  // namespace

std::string slurp(const std::string& path) {
    auto read = file::read_all(path, 1 << 20);
    return read ? std::move(*read) : std::string();
}

// ---- time_histogram

void time_histogram::add(steady::duration d) {
    const auto ns = static_cast<std::uint64_t>(std::max<steady::rep>(1, d.count()));
    const unsigned power = static_cast<unsigned>(std::bit_width(ns)) - 1;
    const std::uint64_t within = power < 5 ? ns << (5 - power) : ns >> (power - 5);
    ++counts_[power * steps + (within - steps)];
    ++total_;
}

double time_histogram::at(double share) const {
    if (total_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_ - 1)) + 1;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen < wanted) continue;
        const auto power = static_cast<int>(i / steps);
        const double middle = static_cast<double>(i % steps + steps) + 0.5;
        return middle / steps * static_cast<double>(std::uint64_t{1} << power) * 1e-6;
    }
    return 0;
}

// ---- request_meter

void request_meter::leave(const report& r) {
    {
        std::lock_guard lock(mutex_);
        ++totals_.requests;
        totals_.refused += r.status == 503 || r.status == 429;
        totals_.sent += r.sent;
        totals_.received += r.bytes - r.sent;
        totals_.seconds += std::chrono::duration<double>(r.ended - r.begun).count();
        totals_.times.add(r.ended - r.begun);
    }
    gate_->leave(r);
}

request_meter::totals request_meter::read() const {
    std::lock_guard lock(mutex_);
    return totals_;
}

// ---- machine_meter

machine_meter::machine machine_meter::read_machine() {
    unsigned long long user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
    const std::string text = slurp("/proc/stat");
    if (std::sscanf(text.c_str(), "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
                    &wait, &irq, &soft, &steal) != 8)
        return {};
    const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
    return {static_cast<double>(user + nice + system + irq + soft + steal) / tick,
            static_cast<double>(wait) / tick};
}

machine_meter::machine_meter(pid_t server, std::function<bool()> memory_full)
    : server_(server), memory_full_(std::move(memory_full)) {
    forget_peak();
    machine_ = read_machine();
    client_ = own_cpu();
    if (server_ > 0) server_cpu_ = process_cpu(server_);
    begun_ = steady::now();
    thread_ = std::thread([this] { watch(); });
}

machine_meter::~machine_meter() {
    if (!thread_.joinable()) return;
    trace unused;
    stop(unused);
}

void machine_meter::watch() {
    for (std::unique_lock lock(mutex_); !wake_.wait_for(lock, cadence, [this] { return ending_; });) {
        ++looks_;
        full_ += memory_full_();
    }
}

void machine_meter::stop(trace& t) {
    t.seconds = std::chrono::duration<double>(steady::now() - begun_).count();
    {
        std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
    t.cores = usable_cores();
    t.client_cpu = own_cpu() - client_;
    t.client_thread_cpu = std::min(busiest_thread(), t.client_cpu);
    if (server_ > 0) t.server_cpu = process_cpu(server_) - server_cpu_;
    const machine now = read_machine();
    t.machine_cpu = now.busy - machine_.busy;
    t.disk_wait = now.disk_wait - machine_.disk_wait;
    t.memory_full = looks_ > 0 ? static_cast<double>(full_) / static_cast<double>(looks_) : 0;
    peak_ = peak_resident();
}

}  // namespace act::cli
