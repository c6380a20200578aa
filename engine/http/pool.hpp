#pragma once

#include <deque>
#include <map>
#include <vector>

#include "engine/async/channel.hpp"
#include "engine/http/body_reader.hpp"
#include "engine/http/client.hpp"
#include "engine/http/resolve.hpp"

namespace act::http {

/// What all loops of one client share.
struct client_shared {
    client_shared(runtime& r, client_options o)
        : owner(r),
          options(std::move(o)),
          names(r, options.pinned, options.avoid_address),
          tls_(std::make_shared<tls_maker>(options.ca_file)) {}

    /// The TLS context; made on the blocking pool, since a bundle of roots takes tens of milliseconds to
    /// load.
    task<result<tls_client_context*>> tls_context();
    /// Begins to make it while the connection is still being opened.
    void prepare_tls();

    runtime& owner;
    const client_options options;
    counters stats;
    resolver names;

private:
    // Shared with the blocking pool, which may still be at it when the client goes.
    struct tls_maker {
        explicit tls_maker(std::string file) : ca_file(std::move(file)) {}
        result<void> make();
        const std::string ca_file;
        std::mutex mutex;
        std::unique_ptr<tls_client_context> context;
        std::atomic<tls_client_context*> ready{nullptr};
        std::atomic<bool> asked{false};
    };
    std::shared_ptr<tls_maker> tls_;
};

namespace detail {

/// One connection to an endpoint, with the buffers that live as long as it does.
class connection {
public:
    connection(loop& home, const endpoint& e, const client_options&);

    endpoint to;
    http::stream stream;
    input_buffer input;
    /// The request's head, and the lines of it that never change.
    std::string head;
    std::string host_line;
    std::string agent_line;
    /// Through a proxy without a tunnel: what makes a target a whole URL, and the line that lets us in.
    std::string target_prefix;
    std::string proxy_line;
    std::optional<proxy> via;
    resolver::place held;
    steady::time_point idle_since{};
    /// Has carried a request before, so that the server may have closed it meanwhile.
    bool reused = false;
};

}  // namespace detail

/// One try of a request, as the pipeline sees it.
struct attempt {
    /// From the connection being there to the answer's head.
    std::optional<steady::duration> allowed;
    /// Nothing listens there or the name is unknown, and it never was otherwise: trying for long makes no
    /// sense.
    bool hopeless = false;
    /// It was sent twice: a kept connection closed without an answer, perhaps after the request was carried
    /// out.
    bool resent = false;
};

/// The connections of one loop: idle ones per endpoint (which says also through which proxy), last used first
/// taken, and those who wait because there are enough. Touched by its loop only.
class loop_pool {
public:
    loop_pool(loop& home, client_shared& shared) : home_(home), shared_(shared) {}

    using lease = std::unique_ptr<detail::connection>;
    task<result<lease>> acquire(const endpoint&, const until&, attempt&);
    /// Every lease comes back here; `reusable` ones are kept.
    void release(lease, bool reusable);
    void close_idle();

    loop& home() { return home_; }
    client_shared& shared() { return shared_; }

private:
    struct waiter {
        const endpoint& to;
        event ready;
        lease given;
        bool may_open = false;
    };
    // opening.cpp
    struct runner;
    struct dialled {
        lease made;
        address where;
    };
    task<result<lease>> open(endpoint, const until&, attempt&);
    /// Connects to the first of the addresses that answers, and takes it and those that failed out of them.
    task<result<dialled>> dial(const endpoint&, const std::optional<proxy>&, std::vector<address>&,
                               bool& refused, const until&);
    static task<void> try_one(runner&, std::size_t index, channel<std::size_t>& ended, until);
    /// What comes between a connected socket and the first request: the proxy's tunnel, TLS.
    task<result<void>> prepare(detail::connection&, const address&, const until&);
    /// One line on what has been opened.
    static void tell(const detail::connection&, const address&, unsigned open_there);
    task<result<void>> tunnel(detail::connection&, const until&);
    lease fresh(const endpoint&, const std::optional<proxy>&);
    lease take_idle(const endpoint&);
    bool evict_one();
    /// A place has become free: the first who waits gets it.
    void pass_on();

    loop& home_;
    client_shared& shared_;
    std::map<endpoint, std::vector<lease>> idle_;
    std::deque<waiter*> waiters_;
    unsigned open_ = 0;
};

}  // namespace act::http
