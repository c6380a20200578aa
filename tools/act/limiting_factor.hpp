#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace act::cli {

/// What was seen while one thing was measured, on this machine and of the requests. Times in seconds.
struct trace {
    double seconds = 0;
    std::uint64_t objects = 0, bytes = 0;

    unsigned cores = 1;
    double client_cpu = 0;         ///< of this process, all threads
    double client_thread_cpu = 0;  ///< of its busiest thread
    double server_cpu = 0;         ///< of the store that was started for this; 0: there is none
    double machine_cpu = 0;        ///< of all processes; 0: not known
    double disk_wait = 0;          ///< in which a core had nothing else to do than wait for a disk

    std::uint64_t requests = 0;
    std::uint64_t refused = 0;    ///< answered with 503 or 429
    double request_seconds = 0;   ///< of all requests, from sending to the last byte of the answer
    unsigned most_in_flight = 0;  ///< as many as might have been
    bool one_at_a_time = false;   ///< by intent
    double memory_full = 0;       ///< share of the time in which the byte budget was used up

    double file_rate = 0;  ///< bytes a second when only the file is written or read; 0: no file

    double in_flight() const { return seconds > 0 ? request_seconds / seconds : 0; }
};

/// What kept it from being faster.
enum class factor {
    service_limit,
    memory_budget,
    client_cpu,
    machine_cpu,
    one_thread,
    disk,
    local_file,
    latency,
    concurrency,
    connection,
    network,
    too_short,
};
std::string_view to_string(factor);

struct finding {
    cli::factor factor = factor::network;
    std::string evidence;
};

/// Decides by the evidence, most certain first. Pure.
finding limiting_factor(const trace&);

}  // namespace act::cli
