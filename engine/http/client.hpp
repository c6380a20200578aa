#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "engine/async/retry.hpp"
#include "engine/async/runtime.hpp"
#include "engine/core/uri.hpp"
#include "engine/http/admission.hpp"
#include "engine/http/message.hpp"
#include "engine/http/proxy.hpp"

namespace act::http {

/// Where requests go. Connections are shared by all requests to an equal endpoint.
struct endpoint {
    std::string host;
    std::uint16_t port = 80;
    bool tls = false;
    friend auto operator<=>(const endpoint&, const endpoint&) = default;
    static endpoint of(const uri& u) { return {u.host, u.port, u.tls}; }
    std::string authority() const;
    /// With the port, whatever it is: "[::1]:80".
    std::string host_and_port() const;
    /// This machine: what goes there needs no TLS to stay secret.
    bool stays_here() const;
};

struct client_options {
    steady::duration connect_timeout = std::chrono::seconds(15);
    /// No byte in either direction for this long ends the try.
    steady::duration idle_timeout = std::chrono::seconds(60);
    /// Idle connections older than this are not used again.
    steady::duration keep_idle = std::chrono::seconds(90);
    /// An address that could not be connected to comes last for so long.
    steady::duration avoid_address = std::chrono::seconds(60);
    unsigned max_connections_per_loop = 64;
    std::string user_agent = "act";
    /// Addresses to use for a host name instead of asking for them.
    std::map<std::string, std::vector<std::string>> pinned;
    /// Which endpoints are reached through a proxy.
    proxy_rules proxies;
    /// PEM file of trusted roots; empty: SSL_CERT_FILE, SSL_CERT_DIR, else the system's.
    std::string ca_file;
};

/// What the process moved, counted below TLS for requests and above it for bodies.
struct counters {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> retries{0};
    std::atomic<std::uint64_t> hedged{0};  ///< sent once more, beside themselves, for being slow
    std::atomic<std::uint64_t> body_bytes_sent{0};
    std::atomic<std::uint64_t> body_bytes_received{0};
    std::atomic<std::uint64_t> connections_opened{0};
    std::atomic<std::uint64_t> sessions_resumed{0};  ///< of these, by a short TLS handshake
};

/// A response whose head has arrived and whose body is read by the caller. Holds the connection; dropping it
/// with the body unread closes the connection unless the rest is small. Belongs to the loop that sent the
/// request.
class exchange {
public:
    exchange(exchange&&) noexcept;
    exchange& operator=(exchange&&) noexcept;
    ~exchange();

    const response_head& head() const;
    /// Reads as much as fits or is left: a short count only at the end of the body, 0 when nothing is left.
    /// Bytes go straight from the socket (or TLS) into `into`.
    task<result<std::size_t>> read(std::span<std::byte> into, until);
    /// As read(), but returns as soon as some bytes are there.
    task<result<std::size_t>> read_some(std::span<std::byte> into, until);
    /// The whole body; an error of kind::protocol if it is longer than `cap`.
    task<result<std::string>> read_all(std::size_t cap, until);
    /// True when the body has been read to its end.
    bool finished() const;

private:
    friend class client;
    friend class pipeline;
    struct impl;
    explicit exchange(std::unique_ptr<impl>);
    std::unique_ptr<impl> impl_;
};

/// Sends requests over kept connections. Usable from every loop at once: each loop has its own idle
/// connections. close() must be awaited before destruction, after the last exchange is gone.
class client {
public:
    client(runtime&, client_options);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// One try, on the calling loop. A kept connection that turns out to be closed by the server before any
    /// byte of the response came is replaced without being counted as a failure. Any status is a success
    /// here. Failures: kind::unavailable, timeout, stopped, protocol, configuration (TLS trust), io (body
    /// file).
    task<result<exchange>> send(const endpoint&, const request&, const body&, until);

    task<void> close();
    const counters& stats() const;
    counters& stats();
    const client_options& options() const;

private:
    friend class pipeline;
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// Puts the credential on one try: called with a fresh date for each, last before sending, so that it sees
/// the final request. Implemented by transfer/auth. Thread-safe.
class authorizer {
public:
    virtual ~authorizer() = default;
    virtual task<result<void>> authorize(request&, const endpoint&, std::uint64_t content_length, until) = 0;
    /// After a 401: true when a fresh credential was obtained and one more try is worth it.
    virtual task<bool> refresh(until) { co_return false; }
};

struct pipeline_options {
    retry_policy retry;
    /// For one try, from sending to the response's head, beyond what the body takes at 32 KiB/s.
    steady::duration try_timeout = std::chrono::seconds(60);
    /// Asked about answers whose status is worth another try, or a 401 a fresh credential; true makes one the
    /// final answer all the same (a service that says 500 and means "never", or 401 and means another's).
    /// Called from every loop.
    std::function<bool(const response_head&)> final_answer;
    /// Asked before each try; unset: every one may go at once. Outlives the answers.
    std::shared_ptr<http::admission> admission;
};

/// The request path, in order: retry (time-outs, transport failures, 408 429 500 502 503 504, Retry-After
/// honoured; the request is sent again with the same body), admit, authorize, log, send. Returns the first
/// answer that is not worth another try, or the last one.
class pipeline {
public:
    pipeline(client&, std::shared_ptr<authorizer>, pipeline_options);

    /// Failures carry the number of tries. A try costs one copy of the request's head. `tries`, if given, is
    /// set to the number of the last one: an answer to a later try may be about what an earlier one has done.
    task<result<exchange>> send(const endpoint&, const request&, const body&, until,
                                unsigned* tries = nullptr);
    client& transport() { return client_; }
    /// Who admits the requests; may be null.
    http::admission* admitted_by() const { return options_.admission.get(); }
    /// Told of each answer's status before it is decided upon (0: transport failure); for concurrency
    /// control.
    std::function<void(int status)> on_answer;

private:
    client& client_;
    std::shared_ptr<authorizer> authorizer_;
    pipeline_options options_;
};

/// Parses Retry-After (seconds or HTTP date), retry-after-ms and x-ms-retry-after-ms; capped at five minutes.
std::optional<steady::duration> retry_after(const fields&, wall_time now);

}  // namespace act::http
