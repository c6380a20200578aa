#include "tools/act/limiting_factor.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/units.hpp"

namespace act::cli {

namespace {

// Shares from which on a thing counts as used up. None is ever wholly so: a transfer has a beginning and an
// end, and what measures takes its part too.
constexpr double refused_share = 0.01;
constexpr double memory_share = 0.5;
constexpr double cpu_share = 0.8;
constexpr double thread_share = 0.85;
constexpr double disk_share = 0.25;
constexpr double file_share = 0.7;
constexpr double in_flight_share = 0.8;
// On average less than this in flight: one after another.
constexpr double few = 1.5;
// The kernel counts CPU time in steps of 10 ms.
constexpr double tellable = 0.03;

std::string rate(double bytes_a_second) {
    return human_size(static_cast<std::uint64_t>(std::max(0.0, bytes_a_second))) + "/s";
}

int percent(double share) { return static_cast<int>(share * 100 + 0.5); }

}  // namespace

std::string_view to_string(factor f) {
    switch (f) {
        case factor::service_limit:
            return "the service's limit";
        case factor::memory_budget:
            return "the memory budget";
        case factor::client_cpu:
            return "the client's CPU";
        case factor::machine_cpu:
            return "the CPU of this machine";
        case factor::one_thread:
            return "one thread of the client";
        case factor::disk:
            return "the disk";
        case factor::local_file:
            return "the local file system";
        case factor::latency:
            return "latency";
        case factor::concurrency:
            return "requests in flight";
        case factor::connection:
            return "a single connection";
        case factor::too_short:
            return "too short to tell";
        case factor::network:
            break;
    }
    return "the network or the service";
}

finding limiting_factor(const trace& t) {
    const double wall = std::max(t.seconds, 1e-9);
    const double cores = std::max(1u, t.cores);
    const double each = static_cast<double>(t.bytes) / std::max(t.request_seconds, 1e-9);
    const auto requests = static_cast<double>(std::max<std::uint64_t>(1, t.requests));

    if (static_cast<double>(t.refused) > refused_share * requests) {
        return {factor::service_limit, fmt::format("{} of {} requests were answered with 503 or 429",
                                                   human_count(t.refused), human_count(t.requests))};
    }
    if (t.one_at_a_time) {
        return {factor::latency,
                fmt::format("one request at a time, {:.1f} ms each", 1000 * t.request_seconds / requests)};
    }
    if (t.seconds < tellable)
        return {factor::too_short, fmt::format("it was over in {:.0f} ms", 1000 * t.seconds)};
    if (t.memory_full > memory_share) {
        return {factor::memory_budget,
                fmt::format("all of --memory was in use for {}% of the time", percent(t.memory_full))};
    }
    if (t.client_cpu > cpu_share * cores * wall) {
        return {factor::client_cpu, fmt::format("it used {:.1f} of {} cores", t.client_cpu / wall, t.cores)};
    }
    const double busy = t.machine_cpu / (cores * wall);
    if (busy > cpu_share) {
        std::string users = fmt::format("this client used {:.1f}", t.client_cpu / wall);
        const double others = t.machine_cpu - t.client_cpu - t.server_cpu;
        if (t.server_cpu > 0) users += fmt::format(", the store {:.1f}", t.server_cpu / wall);
        if (others > 0.1 * t.machine_cpu) users += fmt::format(", other processes {:.1f}", others / wall);
        return {factor::machine_cpu, fmt::format("{}% of its {} cores were busy: {}",
                                                 percent(std::min(busy, 1.0)), t.cores, users)};
    }
    if (t.disk_wait > disk_share * wall) {
        return {factor::disk,
                fmt::format("cores waited for a disk for {:.1f} s of {:.1f} s", t.disk_wait, t.seconds)};
    }
    const double moved = static_cast<double>(t.bytes) / wall;
    if (t.file_rate > 0 && moved > file_share * t.file_rate) {
        return {factor::local_file,
                fmt::format("{}, and the file alone takes {}", rate(moved), rate(t.file_rate))};
    }
    if (t.client_thread_cpu > thread_share * wall) {
        return {factor::one_thread,
                fmt::format("its busiest one ran for {}% of the time", percent(t.client_thread_cpu / wall))};
    }
    const double flying = t.in_flight();
    const std::string per_connection =
        t.bytes > 0 ? fmt::format(", {} each", rate(each))
                    : fmt::format(", {:.1f} ms each", 1000 * t.request_seconds / requests);
    if (flying < few) {
        // Little to carry: what counts is how long a request takes to begin.
        const bool bulk = static_cast<double>(t.bytes) > 256.0 * 1024 * requests;
        return {bulk ? factor::connection : factor::latency,
                fmt::format("{:.1f} requests in flight on average{}", flying, per_connection)};
    }
    if (t.most_in_flight > 0 && flying > in_flight_share * t.most_in_flight) {
        return {factor::concurrency,
                fmt::format("{:.0f} of at most {} requests in flight{}; see --concurrency", flying,
                            t.most_in_flight, per_connection)};
    }
    return {factor::network,
            fmt::format("{:.0f} requests in flight{}, and {:.1f} of {} cores in use", flying, per_connection,
                        std::max(t.client_cpu, t.machine_cpu) / wall, t.cores)};
}

}  // namespace act::cli
