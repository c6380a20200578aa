#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/http/address.hpp"

namespace act::http {

/// Host names to addresses, remembered for half a minute, and which of the addresses answered lately.
/// One per client, shared by its loops. Private to engine/http.
class resolver {
public:
    resolver(runtime&, const std::map<std::string, std::vector<std::string>>& pinned);

    /// The addresses in the order in which to try them: both families in turn, the one that the system
    /// prefers first; each call begins with another one, so that connections spread; those that failed lately
    /// come last. Never empty on success. kind::unavailable: the
    /// name does not resolve.
    task<result<std::vector<address>>> resolve(const std::string& host, std::uint16_t port, const until&);
    /// Tells how connecting went; a failed address is avoided for a while.
    void note(const address&, bool worked);
    /// Whether a connection to this host has ever been made: if so, a failure is more likely to pass.
    void reached(const std::string& host, std::uint16_t port);
    bool ever_reached(const std::string& host, std::uint16_t port);

private:
    struct state;
    runtime& runtime_;
    // Look-ups cannot be interrupted, so they share the ownership of what they write to.
    std::shared_ptr<state> state_;
};

}  // namespace act::http
