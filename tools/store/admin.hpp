#pragma once

#include "engine/http/server.hpp"
#include "tools/store/service.hpp"

namespace act::store {

/// What a store tells of itself, and lets be changed, over HTTP without a credential:
///   GET /stats          JSON: requests by operation and status, rejected ones, bytes of bodies in and out,
///                       connections open and their peak, the limit, seconds since the start
///   POST /limit?rate=R  "500/s", or 0 to lift it
///   POST /reset         zeroes the counters; the peak begins at what is open
class admin {
public:
    /// Both outlive it.
    admin(runtime&, std::string listen, service&, http::server& of);
    result<void> start();
    std::string url() const { return server_.url(); }
    task<void> stop();

private:
    task<void> answer(http::server_exchange&);
    std::string stats() const;
    result<void> change_limit(std::string_view query);
    void reset();

    service& s_;
    http::server& of_;
    http::server server_;
    const steady::time_point started_ = steady::now();
    // What the counters stood at when they were zeroed.
    std::atomic<std::uint64_t> bytes_in_{0}, bytes_out_{0}, rejected_{0};
};

}  // namespace act::store
