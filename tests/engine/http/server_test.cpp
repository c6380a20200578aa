// The server against a peer that sends exactly these bytes.
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/async/channel.hpp"
#include "engine/core/log.hpp"
#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

using namespace std::chrono_literals;

class server_test : public testing::Test {
protected:
    server_test() : threads_(two_loops()) {}
    ~server_test() override { stop(); }
    static runtime_options two_loops() {
        runtime_options o;
        o.loops = 2;
        o.blocking_threads = 1;
        return o;
    }
    void start(server::handler h, server_options o = {}) {
        server_ = std::make_unique<server>(threads_, o, std::move(h));
        auto ok = server_->start();
        ASSERT_TRUE(ok) << ok.error().message();
    }
    void stop(steady::duration grace = 5s) {
        if (server_) threads_.run(server_->stop(grace));
        server_.reset();
    }
    /// Sends `text` on one connection and reads until the server closes.
    std::string talk(std::string_view text, bool half_close = true) {
        const int fd = connect_to(server_->port());
        send_text(fd, text);
        if (half_close) ::shutdown(fd, SHUT_WR);
        auto got = read_to_end(fd);
        ::close(fd);
        return got;
    }
    runtime threads_;
    std::unique_ptr<server> server_;
};

task<void> describe(server_exchange& x) {
    auto text = co_await x.read_all(1 << 20, {});
    const auto& r = x.request();
    const std::string out =
        r.method + " " + r.target + " [" + (text ? *text : std::string(to_string(text.error().kind()))) + "]";
    fields f;
    f.add("Server", "test");
    f.add("Date", "now");
    (void)co_await x.respond(200, f, body::text(out), {});
}

std::string ok(std::string_view text, std::string extra = "") {
    return "HTTP/1.1 200 OK\r\nServer: test\r\nDate: now\r\nContent-Length: " + std::to_string(text.size()) +
           "\r\n" + extra + "\r\n" + std::string(text);
}

TEST_F(server_test, handles_pipelined_requests_in_order) {
    start(describe);
    EXPECT_EQ(
        talk(
            "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\n"
            "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n"
            "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /5 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ok("GET /1 []") + ok("PUT /2 [abc]") + ok("POST /3 [def]") +
            ok("GET /4 []", "Connection: close\r\n"));
    EXPECT_EQ(server_->stats().requests, 4u);
}

TEST_F(server_test, knows_http_1_0) {
    start(describe);
    EXPECT_EQ(talk("GET /1 HTTP/1.0\r\n\r\n", false), ok("GET /1 []", "Connection: close\r\n"));
    EXPECT_EQ(talk("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", false),
              ok("GET /1 []", "Connection: keep-alive\r\n") + ok("GET /2 []", "Connection: close\r\n"));
}

TEST_F(server_test, answers_malformed_requests_and_closes) {
    server_options o;
    o.max_head = 1000;
    start(describe, o);
    const std::pair<std::string, int> cases[] = {
        {"rubbish\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
        {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x'), 431},
    };
    for (const auto& [text, status] : cases) {
        const auto got = talk(text, false);
        EXPECT_EQ(got.substr(0, 13), "HTTP/1.1 " + std::to_string(status) + " ") << text.substr(0, 60);
        EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
    }
    EXPECT_EQ(server_->stats().requests, 0u);
}

TEST_F(server_test, says_continue_when_the_body_is_wanted) {
    start(describe);
    const int fd = connect_to(server_->port());
    send_text(fd, "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(read_head(fd), "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "hi");
    ::shutdown(fd, SHUT_WR);
    EXPECT_EQ(read_to_end(fd), ok("PUT /x [hi]"));
    ::close(fd);
}

TEST_F(server_test, does_not_invite_a_body_that_is_refused) {
    auto refuse = [](server_exchange& x) -> task<void> {
        const fields none;
        (void)co_await x.respond(403, none, body::text("no"), {});
    };
    start(refuse);
    const int fd = connect_to(server_->port());
    send_text(fd, "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    const auto got = read_to_end(fd);
    EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 403");
    EXPECT_NE(got.find("Connection: close"), std::string::npos);
    ::close(fd);
}

TEST_F(server_test, a_request_cut_short_is_seen_by_the_handler) {
    start(describe);
    EXPECT_NE(talk("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").find("[unavailable]"),
              std::string::npos);
    EXPECT_NE(talk("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz").find("[protocol]"),
              std::string::npos);
    EXPECT_EQ(talk("PUT /x HTTP/1.1\r\nHost: a\r\nConte"), "");
}

TEST_F(server_test, an_unread_body_is_drained_for_the_next_request) {
    auto lazy = [](server_exchange& x) -> task<void> {
        const fields none;
        (void)co_await x.respond(200, none, body::text(x.request().target), {});
    };
    start(lazy);
    const auto got = talk("PUT /first HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" +
                          std::string(500000, 'x') + "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(got.find("/first"), std::string::npos);
    EXPECT_NE(got.find("/second"), std::string::npos);
}

TEST_F(server_test, head_answers_carry_lengths_but_no_bodies) {
    auto answer_head = [](server_exchange& x) -> task<void> {
        const fields none;
        (void)co_await x.respond(404, none, body::text("not here"), {});
    };
    start(answer_head);
    const auto got = talk("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(got.find("Content-Length: 8\r\n"), std::string::npos);
    EXPECT_EQ(got.substr(got.size() - 4), "\r\n\r\n");
}

TEST_F(server_test, failing_handlers_cost_one_answer) {
    auto failing = [](server_exchange& x) -> task<void> {
        if (x.request().target == "/throw") throw std::runtime_error("handler");
        if (x.request().target == "/silent") co_return;
        const fields none;
        if (x.request().target == "/half") {
            (void)co_await x.begin(200, none, 10, {});
            (void)co_await x.write(body::text("12345"), {});
            co_return;
        }
        (void)co_await x.respond(200, none, body::none(), {});
        EXPECT_FALSE(co_await x.respond(200, none, body::none(), {}));
        EXPECT_TRUE(x.responded());
    };
    log::set_level(log::level::error);
    start(failing);
    EXPECT_NE(talk("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n").find("HTTP/1.1 500 "), std::string::npos);
    EXPECT_NE(talk("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n").find("HTTP/1.1 500 "), std::string::npos);
    EXPECT_NE(talk("GET /twice HTTP/1.1\r\nHost: a\r\n\r\n").find("HTTP/1.1 200 "), std::string::npos);
    // Half an answer must not look whole.
    const int fd = connect_to(server_->port());
    send_text(fd, "GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)read_to_end(fd);
    char c;
    EXPECT_LE(::recv(fd, &c, 1, 0), 0);
    ::close(fd);
}

TEST_F(server_test, abort_resets_the_connection) {
    auto aborting = [](server_exchange& x) -> task<void> {
        x.abort();
        co_return;
    };
    start(aborting);
    const int fd = connect_to(server_->port());
    send_text(fd, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    char c;
    EXPECT_EQ(::recv(fd, &c, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
    ::close(fd);
}

TEST_F(server_test, idle_and_trickling_connections_end) {
    server_options o;
    o.idle_timeout = 60ms;
    start(describe, o);
    EXPECT_EQ(talk("", false), "");
    EXPECT_EQ(talk("GET /x HTTP/1.1\r\nHo", false), "");
    EXPECT_NE(talk("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", false).find("[timeout]"),
              std::string::npos);
}

TEST_F(server_test, connections_beyond_the_limit_wait) {
    server_options o;
    o.max_connections = 2;
    start(describe, o);
    const std::string ask = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    const int a = connect_to(server_->port());
    const int b = connect_to(server_->port());
    send_text(a, ask), send_text(b, ask);
    EXPECT_EQ(read_exactly(a, ok("GET /x []").size()), ok("GET /x []"));
    EXPECT_EQ(read_exactly(b, ok("GET /x []").size()), ok("GET /x []"));
    const int c = connect_to(server_->port());
    send_text(c, ask);
    char byte;
    EXPECT_EQ(::recv(c, &byte, 1, MSG_DONTWAIT), -1);
    ::close(a);
    EXPECT_EQ(read_exactly(c, ok("GET /x []").size()), ok("GET /x []"));
    ::close(b), ::close(c);
    EXPECT_EQ(server_->stats().peak, 2u);
    EXPECT_EQ(server_->stats().accepted, 3u);
}

TEST_F(server_test, stopping_lets_requests_end_and_closes_idle_connections) {
    channel<int> arrived(1), go_on(1);
    auto waiting = [&](server_exchange& x) -> task<void> {
        (void)co_await arrived.push(1, {});
        (void)co_await go_on.pop({});
        const fields none;
        (void)co_await x.respond(200, none, body::text("done"), {});
    };
    start(waiting);
    const auto port = server_->port();
    const int idle = connect_to(port);
    const int busy = connect_to(port);
    send_text(busy, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    auto pop = [](channel<int>& c) -> task<void> { (void)co_await c.pop({}); };
    auto push = [](channel<int>& c) -> task<void> { (void)co_await c.push(1, {}); };
    threads_.run(pop(arrived));
    std::thread stopper([&] { stop(); });
    EXPECT_EQ(read_to_end(idle), "");
    threads_.run(push(go_on));
    const auto got = read_to_end(busy);
    stopper.join();
    EXPECT_NE(got.find("Connection: close"), std::string::npos);
    EXPECT_NE(got.find("done"), std::string::npos);
    ::close(idle), ::close(busy);
    EXPECT_THROW(connect_to(port), std::runtime_error);
}

TEST_F(server_test, stopping_interrupts_what_does_not_end) {
    start(describe);
    const int fd = connect_to(server_->port());
    send_text(fd, "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(read_head(fd), "HTTP/1.1 100 Continue\r\n\r\n");
    const auto begun = steady::now();
    stop(50ms);
    EXPECT_LT(steady::now() - begun, 5s);
    ::close(fd);
}

TEST_F(server_test, refuses_what_it_cannot_listen_on) {
    start(describe);
    const auto failure = [&](server_options o) {
        server other(threads_, o, describe);
        auto outcome = other.start();
        return outcome ? kind::internal : outcome.error().kind();
    };
    server_options taken;
    taken.listen = "127.0.0.1:" + std::to_string(server_->port());
    EXPECT_EQ(failure(taken), kind::conflict);
    for (const char* text :
         {"", "nonsense", "127.0.0.1", "127.0.0.1:99999", "host.example:80", "8.8.8.8:0"}) {
        server_options bad;
        bad.listen = text;
        EXPECT_EQ(failure(bad), kind::configuration) << text;
    }
    server_options half;
    half.tls_certificate = "/nonexistent";
    EXPECT_EQ(failure(half), kind::configuration);
    half.tls_key = "/nonexistent";
    EXPECT_EQ(failure(half), kind::configuration);
}

TEST_F(server_test, names_itself) {
    server_options o;
    o.listen = "localhost:0";
    start(describe, o);
    EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(server_->port()));
}

}  // namespace
}  // namespace act::http::test
