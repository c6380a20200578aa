#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"
#include "engine/http/server.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/client/client.hpp"

namespace act::blob::test {

/// One request as the server saw it.
struct seen {
    std::string method, target;
    http::fields headers;
    std::string body;
    std::string header(std::string_view name) const { return std::string(headers.get(name)); }
};

/// What the server does with one request.
struct reply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool drop = false;                 ///< the connection is reset instead of an answer
    std::optional<std::size_t> cut{};  ///< the connection is reset after this much of the body
};

/// An error as the service writes it.
reply service_error_reply(int status, const std::string& code, const std::string& message = "Because.");

/// A server on loopback that answers by a function, called for one request at a time, and a client that talks
/// to it without long waits between tries.
class scripted {
public:
    using script = std::function<reply(const seen&)>;
    explicit scripted(script, std::shared_ptr<http::authorizer> = auth::anonymous(), std::string path = "");
    ~scripted();

    blob::client& client() { return *client_; }
    http::client& transport() { return *transport_; }
    runtime& loops() { return runtime_; }
    std::string endpoint() const { return server_->url(); }
    /// All requests so far, in order.
    std::vector<seen> requests();
    std::size_t count() { return requests().size(); }

    template <class T>
    T run(task<T> t) {
        return runtime_.run(std::move(t));
    }

private:
    task<void> handle(http::server_exchange&);
    runtime runtime_{{.loops = 2, .blocking_threads = 1}};
    std::mutex mutex_;
    script script_;
    std::vector<seen> requests_;
    std::unique_ptr<http::server> server_;
    std::unique_ptr<http::client> transport_;
    std::unique_ptr<blob::client> client_;
};

/// "Fri, 26 Jun 2015 23:39:12 GMT" of this moment.
std::string http_now();
std::string md5_base64(std::string_view);
std::string crc_base64(std::string_view);

}  // namespace act::blob::test
