#pragma once

#include <chrono>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/http/address.hpp"
#include "tests/engine/http/support.hpp"

namespace act::http::test {

using namespace std::chrono_literals;

/// A listener whose queue is full: connecting to it hangs.
class full_listener {
public:
    explicit full_listener(const char* ip = "127.0.0.1", std::uint16_t wanted = 0) {
        address a;
        (void)parse_address(ip, wanted, a);
        fd_ = ::socket(a.family(), SOCK_STREAM, 0);
        (void)::bind(fd_, a.get(), a.size);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&a.storage), &a.size);
        ::listen(fd_, 0);
        port = a.port();
        for (int i = 0; i < 8; ++i) {
            const int s = ::socket(a.family(), SOCK_STREAM | SOCK_NONBLOCK, 0);
            (void)::connect(s, a.get(), a.size);
            fillers_.push_back(s);
        }
    }
    ~full_listener() {
        for (int s : fillers_) ::close(s);
        ::close(fd_);
    }
    std::uint16_t port = 0;

private:
    int fd_;
    std::vector<int> fillers_;
};

/// A client on one loop.
class client_test : public testing::Test {
protected:
    client_test() : threads_(one_loop()) {}
    ~client_test() override { close(); }
    static runtime_options one_loop() {
        runtime_options o;
        o.loops = 1;
        o.blocking_threads = 1;
        return o;
    }
    void make(client_options o = {}) { client_ = std::make_unique<client>(threads_, o); }
    void close() {
        if (client_) threads_.run(client_->close());
        client_.reset();
    }
    result<answer> ask(const endpoint& to, verb v = verb::get, const body& b = body::none(), until u = {}) {
        if (!client_) make();
        return threads_.run(fetch(*client_, to, make_request(v, "/x"), b, u));
    }
    /// What one answer, sent to the first connection, comes to.
    result<answer> given(std::string text, verb v = verb::get) {
        raw_server peer([text = std::move(text)](int fd, int) {
            if (read_head(fd).empty()) return;
            send_text(fd, text);
            ::shutdown(fd, SHUT_WR);
            read_to_end(fd);
        });
        auto got = ask(peer.where(), v);
        close();
        return got;
    }
    runtime threads_;
    std::unique_ptr<client> client_;
};

}  // namespace act::http::test
