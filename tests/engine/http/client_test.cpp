// The client against a peer that sends exactly these bytes: what servers do when they misbehave or go away.
#include <algorithm>
#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/http/address.hpp"
#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

using namespace std::chrono_literals;

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

TEST_F(client_test, sends_exactly_these_heads) {
    std::vector<std::string> seen;
    raw_server peer([&](int fd, int) {
        for (int i = 0; i < 4; ++i) {
            seen.push_back(read_head(fd));
            if (seen.back().find("Content-Length: 3") != std::string::npos)
                seen.push_back(read_exactly(fd, 3));
            send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    client_options o;
    o.user_agent = "act/1";
    make(o);
    const std::string host =
        "Host: 127.0.0.1:" + std::to_string(peer.where().port) + "\r\nUser-Agent: act/1\r\n";
    ASSERT_TRUE(ask(peer.where(), verb::get));
    ASSERT_TRUE(ask(peer.where(), verb::put));
    ASSERT_TRUE(ask(peer.where(), verb::del));
    ASSERT_TRUE(ask(peer.where(), verb::post, body::text("abc")));
    close();
    ASSERT_EQ(seen.size(), 5u);
    EXPECT_EQ(seen[0], "GET /x HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(seen[1], "PUT /x HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(seen[2], "DELETE /x HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(seen[3], "POST /x HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\n");
    EXPECT_EQ(seen[4], "abc");
}

TEST_F(client_test, refuses_targets_that_would_split_the_request) {
    make();
    for (const char* target : {"/a b", "/a\r\nX: y", "/a\x7f"}) {
        auto got = threads_.run(
            fetch(*client_, {"127.0.0.1", 1, false}, make_request(verb::get, target), body::none(), {}));
        ASSERT_FALSE(got);
    }
}

TEST_F(client_test, replaces_a_kept_connection_that_the_server_closed) {
    raw_server peer([](int fd, int number) {
        read_head(fd);
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(number));
        // The first closes at once, the second when the next request has come.
        if (number == 1) read_head(fd);
    });
    for (int i = 0; i < 3; ++i) {
        auto got = ask(peer.where(), verb::put, body::text("body"));
        ASSERT_TRUE(got) << got.error().message();
        EXPECT_EQ(got->text, std::to_string(i));
    }
    EXPECT_EQ(client_->stats().connections_opened, 3u);
    EXPECT_EQ(client_->stats().requests, 3u);
    EXPECT_EQ(client_->stats().retries, 0u);
    close();
}

TEST_F(client_test, a_fresh_connection_closed_without_an_answer_is_a_failure) {
    auto got = given("");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::unavailable);
    EXPECT_NE(got.error().message().find("127.0.0.1:"), std::string::npos);
}

TEST_F(client_test, reads_bodies_that_end_with_the_connection) {
    auto got = given("HTTP/1.1 200 OK\r\n\r\n" + pattern(200000));
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->text == pattern(200000));
    auto old = given("HTTP/1.0 200 OK\r\n\r\nold");
    ASSERT_TRUE(old);
    EXPECT_EQ(old->text, "old");
}

TEST_F(client_test, skips_interim_answers) {
    auto got = given(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 "
        "Created\r\nContent-Length: 2\r\n\r\nok");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 201);
    EXPECT_EQ(got->text, "ok");
    EXPECT_FALSE(got->headers.has("Link"));
}

TEST_F(client_test, a_head_answer_has_no_body_whatever_it_says) {
    auto got = given("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", verb::head);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->text, "");
    got = given("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->text, "");
}

TEST_F(client_test, a_body_cut_short_is_noticed) {
    for (const char* text : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"}) {
        auto got = given(text);
        ASSERT_FALSE(got) << text;
        EXPECT_EQ(got.error().kind(), kind::unavailable) << text;
    }
    auto head = given("HTTP/1.1 200 OK\r\nContent-Le");
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().kind(), kind::unavailable);
}

TEST_F(client_test, malformed_answers_are_protocol_errors) {
    for (const std::string& text :
         {std::string("ICY 200 OK\r\n\r\n"),
          std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
          std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
          std::string("HTTP/1.1 101 Switching\r\n\r\n"),
          "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x') + "\r\n\r\n"}) {
        auto got = given(text);
        ASSERT_FALSE(got) << text.substr(0, 100);
        EXPECT_EQ(got.error().kind(), kind::protocol) << got.error().message();
    }
}

TEST_F(client_test, bytes_after_an_answer_end_the_connection) {
    raw_server peer([](int fd, int) {
        if (read_head(fd).empty()) return;
        send_text(
            fd,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        read_to_end(fd);
    });
    for (int i = 0; i < 2; ++i) {
        auto got = ask(peer.where());
        ASSERT_TRUE(got);
        EXPECT_EQ(got->text, "ok");
    }
    EXPECT_EQ(client_->stats().connections_opened, 2u);
    close();
}

TEST_F(client_test, an_answer_longer_than_allowed_is_refused) {
    raw_server peer([](int fd, int number) {
        read_head(fd);
        if (number == 0)
            send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
        if (number == 1) send_text(fd, "HTTP/1.1 200 OK\r\n\r\n" + std::string(1000, 'x'));
        if (number == 2) send_text(fd, "HTTP/1.1 200 OK\r\n\r\n" + std::string(999, 'x'));
    });
    make();
    const auto r = make_request(verb::get, "/");
    for (int i = 0; i < 3; ++i) {
        auto capped = [](client& c, endpoint to, const request& rq) -> task<result<std::string>> {
            auto x = co_await c.send(to, rq, body::none(), {});
            if (!x) co_return x.error();
            co_return co_await x->read_all(999, {});
        };
        auto got = threads_.run(capped(*client_, peer.where(), r));
        EXPECT_EQ(got.has_value(), i == 2);
        if (!got) EXPECT_EQ(got.error().kind(), kind::protocol);
    }
    close();
}

TEST_F(client_test, an_answer_ends_a_stalled_upload) {
    // The peer answers after the head and never reads the body, nor closes.
    std::atomic<bool> done{false};
    raw_server peer([&](int fd, int) {
        read_head(fd);
        send_text(fd, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig");
        while (!done) std::this_thread::yield();
    });
    const auto text = pattern(64 << 20);
    auto got = ask(peer.where(), verb::put, body::text(text));
    done = true;
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 413);
    close();
}

// ---- ends of waits

TEST_F(client_test, a_stop_ends_sending_and_receiving) {
    for (const bool sending : {true, false}) {
        stop_source stop;
        std::atomic<bool> done{false};
        raw_server peer([&](int fd, int) {
            read_head(fd);
            stop.request();
            while (!done) std::this_thread::yield();
        });
        const auto text = pattern(sending ? 64 << 20 : 10);
        until u;
        u.stop = stop.token();
        auto got = ask(peer.where(), verb::put, body::text(text), u);
        done = true;
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind(), kind::stopped);
        close();
    }
}

TEST_F(client_test, a_deadline_and_idleness_end_waits) {
    std::atomic<bool> done{false};
    raw_server peer([&](int fd, int) {
        read_head(fd);
        while (!done) std::this_thread::yield();
    });
    until u;
    auto late = ask(peer.where(), verb::get, body::none(), u.within(60ms));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind(), kind::timeout);
    close();
    client_options o;
    o.idle_timeout = 60ms;
    make(o);
    auto idle = ask(peer.where());
    done = true;
    ASSERT_FALSE(idle);
    EXPECT_EQ(idle.error().kind(), kind::timeout);
    EXPECT_NE(idle.error().message().find("no byte"), std::string::npos);
    close();
}

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

TEST_F(client_test, connecting_ends_on_stop_deadline_and_its_own_limit) {
    full_listener peer;
    const endpoint to{"127.0.0.1", peer.port, false};
    stop_source stop;
    until u;
    u.stop = stop.token();
    std::thread stopper([&] { stop.request(); });
    auto stopped = ask(to, verb::get, body::none(), u);
    stopper.join();
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), kind::stopped);
    until v;
    auto late = ask(to, verb::get, body::none(), v.within(60ms));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind(), kind::timeout);
    close();
    client_options o;
    o.connect_timeout = 60ms;
    make(o);
    auto own = ask(to);
    ASSERT_FALSE(own);
    EXPECT_EQ(own.error().kind(), kind::timeout);
    EXPECT_NE(own.error().message().find("connect"), std::string::npos) << own.error().message();
    close();
}

// ---- addresses

TEST_F(client_test, a_refused_connection_and_an_unknown_name_say_so) {
    auto refused = ask({"127.0.0.1", dead_port(), false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::unavailable);
    EXPECT_NE(refused.error().message().find("Connection refused"), std::string::npos)
        << refused.error().message();
    EXPECT_FALSE(refused.error().advice().empty());
    auto unknown = ask({"no-such-host.invalid", 80, false});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().kind(), kind::unavailable);
    EXPECT_NE(unknown.error().message().find("no-such-host.invalid"), std::string::npos);
}

TEST_F(client_test, dead_addresses_among_several_are_skipped) {
    raw_server peer([](int fd, int) {
        while (!read_head(fd).empty()) send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    });
    client_options o;
    // Nobody listens on the first two, whatever the port; the second may not even be an address of this
    // machine.
    o.pinned["blobs.example"] = {"127.0.0.2", "::1", "127.0.0.1"};
    make(o);
    for (int i = 0; i < 6; ++i) {
        // Each round opens a new connection.
        auto got = ask({"blobs.example", peer.where().port, false});
        ASSERT_TRUE(got) << got.error().message();
        threads_.run(client_->close());
    }
    EXPECT_EQ(peer.accepted(), 6);
    close();
}

TEST_F(client_test, a_silent_address_gets_company_and_comes_last_from_then_on) {
    raw_server peer([](int fd, int) {
        while (!read_head(fd).empty()) send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    });
    const std::uint16_t port = peer.where().port;
    full_listener silent("127.0.0.2", port), silent_too("127.0.0.3", port);
    client_options o;
    o.pinned["blobs.example"] = {"127.0.0.2", "127.0.0.3", "127.0.0.1"};
    // Much shorter than what the kernel needs to find out.
    o.connect_timeout = 5s;
    make(o);
    const auto timed = [&] {
        const auto begun = steady::now();
        auto got = ask({"blobs.example", port, false});
        EXPECT_TRUE(got) << got.error().message();
        threads_.run(client_->close());
        return steady::now() - begun;
    };
    EXPECT_LT(timed(), 2s) << "two head starts";
    // Every order begins with another address; those that were silent are known.
    for (int i = 0; i < 5; ++i) EXPECT_LT(timed(), 200ms);
    EXPECT_EQ(peer.accepted(), 6);
    close();
}

TEST_F(client_test, of_two_families_the_one_that_works_is_used) {
    server_options so;
    so.listen = "[::1]:0";
    const auto name = [](const char* text) {
        return [text](server_exchange& x) -> task<void> {
            const fields none;
            (void)co_await x.respond(200, none, body::text(text), {});
        };
    };
    server six(threads_, so, name("six"));
    if (!six.start()) GTEST_SKIP() << "this machine has no ::1";
    // The other one refuses at once; then it keeps silent.
    for (const bool silent : {false, true}) {
        std::optional<full_listener> other;
        if (silent) other.emplace("127.0.0.1", six.port());
        client_options o;
        o.pinned["blobs.example"] = {"127.0.0.1", "127.0.0.2", "::1"};
        make(o);
        const auto begun = steady::now();
        auto got = ask({"blobs.example", six.port(), false});
        ASSERT_TRUE(got) << got.error().message();
        EXPECT_EQ(got->text, "six");
        EXPECT_LT(steady::now() - begun, 2s);
        close();
    }
    auto bare = ask({"::1", six.port(), false});
    ASSERT_TRUE(bare) << bare.error().message();
    EXPECT_EQ(bare->text, "six");
    close();
    threads_.run(six.stop(1s));
}

TEST_F(client_test, when_all_addresses_are_silent_or_dead_connecting_ends_in_time) {
    full_listener silent("127.0.0.2");
    client_options o;
    o.pinned["blobs.example"] = {"127.0.0.2", "127.0.0.3", "127.0.0.4"};
    o.connect_timeout = 600ms;
    make(o);
    const auto begun = steady::now();
    auto got = ask({"blobs.example", silent.port, false});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::timeout) << got.error().message();
    EXPECT_LT(steady::now() - begun, 3s);
    stop_source stop;
    until u;
    u.stop = stop.token();
    std::thread stopper([&] { stop.request(); });
    auto stopped = ask({"blobs.example", silent.port, false}, verb::get, body::none(), u);
    stopper.join();
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), kind::stopped);
    close();
}

TEST_F(client_test, connections_spread_over_all_addresses) {
    const auto named = [](const char* name) {
        return [name](server_exchange& x) -> task<void> {
            const fields none;
            (void)co_await x.respond(200, none, body::text(name), {});
        };
    };
    server_options so;
    so.listen = "127.0.0.2:0";
    server first(threads_, so, named("first"));
    ASSERT_TRUE(first.start());
    so.listen = "127.0.0.3:" + std::to_string(first.port());
    server second(threads_, so, named("second"));
    ASSERT_TRUE(second.start());
    client_options o;
    o.pinned["blobs.example"] = {"127.0.0.2", "127.0.0.3"};
    make(o);
    auto two = [](client& c, endpoint to, std::vector<std::string>& from) -> task<void> {
        const auto r = make_request(verb::get, "/");
        auto a = co_await c.send(to, r, body::none(), {});
        auto b = co_await c.send(to, r, body::none(), {});
        if (!a || !b) co_return;
        from.push_back(*co_await a->read_all(100, {}));
        from.push_back(*co_await b->read_all(100, {}));
    };
    std::vector<std::string> from;
    threads_.run(two(*client_, {"blobs.example", first.port(), false}, from));
    std::sort(from.begin(), from.end());
    EXPECT_EQ(from, (std::vector<std::string>{"first", "second"}));
    close();
    threads_.run(first.stop(1s));
    threads_.run(second.stop(1s));
}

// ---- the pool

TEST_F(client_test, never_opens_more_connections_than_allowed) {
    std::atomic<int> open{0}, peak{0};
    raw_server peer([&](int fd, int) {
        const int now_open = ++open;
        if (now_open > peak) peak = now_open;
        while (!read_head(fd).empty()) send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        --open;
    });
    client_options o;
    o.max_connections_per_loop = 2;
    make(o);
    auto all = [](client& c, endpoint to, std::atomic<int>& good) -> task<void> {
        task_group group;
        auto one = [](client& cc, endpoint e, std::atomic<int>& g) -> task<void> {
            auto got = co_await fetch(cc, e, make_request(verb::get, "/"), body::none(), {});
            if (got && got->text == "ok") ++g;
        };
        for (int i = 0; i < 20; ++i) group.spawn(loop::current(), one(c, to, good));
        co_await group.join();
    };
    std::atomic<int> good{0};
    threads_.run(all(*client_, peer.where(), good));
    EXPECT_EQ(good, 20);
    EXPECT_LE(peer.accepted(), 2);
    close();
}

TEST_F(client_test, waiting_for_a_connection_ends_and_leaves_the_pool_whole) {
    raw_server peer([](int fd, int) {
        while (!read_head(fd).empty()) send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    client_options o;
    o.max_connections_per_loop = 1;
    make(o);
    auto act_so = [](client& c, endpoint to) -> task<bool> {
        const auto r = make_request(verb::get, "/");
        auto held = co_await c.send(to, r, body::none(), {});
        if (!held) co_return false;
        const until u;
        auto second = co_await c.send(to, r, body::none(), u.within(60ms));
        if (second || second.error().kind() != kind::timeout) co_return false;
        auto text = co_await held->read_all(100, {});
        if (!text || *text != "ok") co_return false;
        auto third = co_await c.send(to, r, body::none(), {});
        co_return third.has_value();
    };
    EXPECT_TRUE(threads_.run(act_so(*client_, peer.where())));
    EXPECT_EQ(peer.accepted(), 1);
    close();
}

TEST_F(client_test, another_endpoint_may_take_the_place_of_an_idle_connection) {
    raw_server a([](int fd, int) {
        while (!read_head(fd).empty()) send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    });
    raw_server b([](int fd, int) {
        while (!read_head(fd).empty()) send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    });
    client_options o;
    o.max_connections_per_loop = 1;
    make(o);
    EXPECT_TRUE(ask(a.where()));
    EXPECT_TRUE(ask(b.where()));
    EXPECT_TRUE(ask(a.where()));
    close();
}

TEST(endpoint_test, authority_leaves_out_the_usual_port) {
    EXPECT_EQ((endpoint{"a.b", 80, false}.authority()), "a.b");
    EXPECT_EQ((endpoint{"a.b", 443, true}.authority()), "a.b");
    EXPECT_EQ((endpoint{"a.b", 443, false}.authority()), "a.b:443");
    EXPECT_EQ((endpoint{"::1", 10000, false}.authority()), "[::1]:10000");
}

}  // namespace
}  // namespace act::http::test
