#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/http/address.hpp"

namespace act::http {

/// Host names to addresses, remembered for half a minute; which of the addresses answered lately, and how
/// many connections each carries. One per client, shared by its loops, asked only when a connection is opened
/// or closed. Private to engine/http.
class resolver {
    struct state;

public:
    resolver(runtime&, const std::map<std::string, std::vector<std::string>>& pinned,
             steady::duration avoid_for);

    /// What one connection counts for at its address, from before it is dialled until it is closed.
    class place {
    public:
        place() = default;
        place(std::shared_ptr<state> s, const address& a) : state_(std::move(s)), where_(a) {}
        place(place&& o) noexcept;
        place& operator=(place&& o) noexcept;
        ~place() { leave(); }
        /// The connection is made, to this one of the addresses, which thereby answers. Returns how many are
        /// open there.
        unsigned settle(const address&);

    private:
        void leave();
        std::shared_ptr<state> state_;
        address where_;
        bool dialling_ = true;
    };
    struct choice {
        std::vector<address> addresses;
        place held;  ///< at the first of them
    };

    /// The addresses in the order in which to try them: both families in turn, the one that the system
    /// prefers first. Within a family the one with the fewest connections comes first, but while one that has
    /// not answered yet is being tried, others go to those that have; those that failed lately come last.
    /// Never empty on success. kind::unavailable: the name does not resolve.
    task<result<choice>> resolve(const std::string& host, std::uint16_t port, const until&);
    /// Tells that connecting failed; the address is avoided for a while.
    void failed(const address&);
    /// Whether a connection to this host has ever been made: if so, a failure is more likely to pass.
    void reached(const std::string& host, std::uint16_t port);
    bool ever_reached(const std::string& host, std::uint16_t port);

private:
    runtime& runtime_;
    // Look-ups cannot be interrupted, so they share the ownership of what they write to; connections may
    // outlive their client's names.
    std::shared_ptr<state> state_;
};

}  // namespace act::http
