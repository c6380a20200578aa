#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/async/runtime.hpp"
#include "engine/http/message.hpp"

namespace act::http {

/// What lies between a server and one of its clients, imitated: asked on the connection's loop. `until`
/// arguments outlive the call.
class link {
public:
    virtual ~link() = default;
    /// So much of a body moves at once, in either direction; then carry() is awaited.
    virtual std::size_t slice() const = 0;
    /// Ends when the link is free again after `bytes`.
    virtual task<result<void>> carry(std::uint64_t bytes, const until&) = 0;
    /// Ends when the answer may begin; `received`: when the request, or what was read of it, had come.
    virtual task<result<void>> answer(steady::time_point received, const until&) = 0;
};

struct server_options {
    /// "127.0.0.1:10000", "[::1]:0"; port 0 picks one.
    std::string listen = "127.0.0.1:0";
    /// PEM files; both or neither.
    std::string tls_certificate;
    std::string tls_key;
    std::size_t max_head = 64 * 1024;
    /// A connection without a request, or that makes no progress in one, ends after this.
    steady::duration idle_timeout = std::chrono::seconds(120);
    std::size_t max_connections = 4096;
    std::string server_name = "act";
    /// Called for each connection, on its loop. Unset: nothing stands between.
    std::function<std::unique_ptr<http::link>()> link;
};

/// One request on the server's side: its head, its body to be read, and the answer to be sent. Belongs to the
/// connection; the handler uses it until it returns. What is left of the body afterwards is drained (if
/// small) or the connection is closed.
class server_exchange {
public:
    struct head {
        std::string method;  ///< as sent, so that unknown ones can be named
        std::string target;
        fields headers;
        std::optional<std::uint64_t> content_length;  ///< unset: none or chunked
        bool chunked = false;
    };

    const head& request() const;
    /// The peer's address, "127.0.0.1" or "::1"; and whether the connection is TLS.
    const std::string& peer() const;
    bool tls() const;

    /// As exchange::read and read_some. `Expect: 100-continue` is answered at the first read.
    task<result<std::size_t>> read(std::span<std::byte> into, until);
    task<result<std::size_t>> read_some(std::span<std::byte> into, until);
    task<result<std::string>> read_all(std::size_t cap, until);

    /// Sends the whole answer in one gather (or sendfile). Content-Length is added. For HEAD requests set
    /// Content-Length in the fields and pass an empty body.
    task<result<void>> respond(int status, const fields&, const body&, until);
    /// A long answer in pieces: with `length` as Content-Length, or chunked when it is unknown.
    task<result<void>> begin(int status, const fields&, std::optional<std::uint64_t> length, until);
    task<result<void>> write(const body& piece, until);
    task<result<void>> finish(until);
    /// Ends the connection abruptly (for imitating faults); nothing else may be sent.
    void abort();
    /// Ends the connection behind what has been sent, as if the answer were whole.
    void hang_up();
    bool responded() const;

private:
    friend class server;
    struct impl;
    impl* impl_ = nullptr;
};

/// Accepts connections and spreads them over all loops. The handler runs once per request as a coroutine of
/// the connection's loop; requests of one connection are handled one after the other (pipelined ones wait).
class server {
public:
    using handler = std::function<task<void>(server_exchange&)>;

    server(runtime&, server_options, handler);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Binds and starts to accept. kind::conflict: the port is in use; kind::configuration: bad address or
    /// certificate.
    result<void> start();
    /// "http://127.0.0.1:41234", valid after start().
    std::string url() const;
    std::uint16_t port() const;
    /// Stops accepting, lets requests in progress end for up to `grace`, then closes; awaited before
    /// destruction.
    task<void> stop(steady::duration grace);

    struct statistics {
        std::atomic<std::uint64_t> open{0}, peak{0}, accepted{0}, requests{0};
        /// Of bodies. Both are counted before the answer (or that piece of it) is sent, so that who has it
        /// finds it counted.
        std::atomic<std::uint64_t> bytes_in{0}, bytes_out{0};
    };
    const statistics& stats() const;
    /// The peak is counted anew from what is open now.
    void forget_peak();

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace act::http
