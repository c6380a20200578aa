#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/async/runtime.hpp"
#include "engine/http/client.hpp"
#include "engine/http/server.hpp"

namespace act::http::test {

/// A server of blocking sockets that sends exactly the bytes it is told to: one thread a connection, `script`
/// gets the socket and the connection's number. The socket is closed after it.
class raw_server {
public:
    using script = std::function<void(int fd, int number)>;
    explicit raw_server(script s);
    ~raw_server();
    endpoint where() const { return {"127.0.0.1", port_, false}; }
    int accepted() const { return accepted_; }

private:
    void accept_all();
    script script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> accepted_{0};
    std::thread acceptor_;
    std::vector<std::thread> connections_;
};

/// Blocking helpers for scripts and raw clients.
void send_text(int fd, std::string_view text);
/// Reads up to and including the empty line; empty at the end of the stream.
std::string read_head(int fd);
std::string read_exactly(int fd, std::size_t bytes);
std::string read_to_end(int fd);
/// A connected blocking socket.
int connect_to(std::uint16_t port);
/// A port of 127.0.0.1 on which nobody listens.
std::uint16_t dead_port();

/// A directory that is removed at the end.
class temp_dir {
public:
    temp_dir();
    ~temp_dir();
    std::string path(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/// Bytes that differ from place to place.
std::string pattern(std::size_t size, unsigned seed = 1);

/// PEM files of a certificate for `names` (host names or addresses), signed by a CA that is also written.
struct certificate_files {
    std::string certificate, key, ca;
};
certificate_files make_certificate(const temp_dir&, const std::string& tag,
                                   const std::vector<std::string>& names);

/// A runtime, a server with the given handler and a client for it.
class rig {
public:
    explicit rig(server::handler h, client_options c = {}, server_options s = {}, unsigned loops = 1);
    ~rig();
    template <class T>
    T run(task<T> t) {
        return threads.run(std::move(t));
    }

    runtime threads;
    http::server server;
    http::client client;
    endpoint where;
};

/// Sends and reads the whole answer.
struct answer {
    int status = 0;
    std::string text;
    fields headers;
};
task<result<answer>> fetch(client&, endpoint, request, body, until);
request make_request(verb, std::string target);

}  // namespace act::http::test
