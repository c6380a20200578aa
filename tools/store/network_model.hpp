#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

namespace act::store {

/// Which faults are imitated, and how often: parts of all requests between 0 and 1. A request meets one at
/// most.
struct fault_plan {
    double reset = 0;     ///< the connection is reset instead of an answer
    double error500 = 0;  ///< InternalError
    double error503 = 0;  ///< ServerBusy
    double truncate = 0;  ///< the connection ends in the middle of the answer's body
    double stall = 0;     ///< the answer waits for `stall_time`
    steady::duration stall_time = std::chrono::seconds(30);
    /// List Blobs requests from this one on (the first is 1) are answered with `list_status`. 0: none.
    std::uint64_t list_from = 0;
    int list_status = 500;
    /// The same seed gives the same fate to the n-th request.
    std::uint64_t seed = 1;

    double sum() const { return reset + error500 + error503 + truncate + stall; }
    bool any() const { return sum() > 0 || list_from != 0; }
};

/// "reset=0.01,error500=0.02,error503=0.1,truncate=0.01,stall=0.001:5s,list=3:403". Faults not named stay as
/// they were.
result<void> read_faults(fault_plan&, std::string_view);

/// The network and the service that a store imitates. As it is: none.
struct network_model {
    /// No answer begins earlier after its request was read.
    steady::duration latency{};
    /// Bytes of bodies a second, both directions together; 0: as many as come.
    double connection_rate = 0, account_rate = 0;
    /// Requests a second; more are answered with 503. 0: any number.
    double limit = 0;
    fault_plan faults;

    bool shapes() const { return latency != steady::duration() || connection_rate > 0 || account_rate > 0; }
    bool any() const { return shapes() || limit > 0 || faults.any(); }
};

/// "60MiB/s" for each connection, "200MiB/s:account" for all together; several, separated by commas.
result<void> read_bandwidth(network_model&, std::string_view);

}  // namespace act::store
