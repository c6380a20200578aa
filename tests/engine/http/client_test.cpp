// The client against a peer that sends exactly these bytes: what servers do when they misbehave or go away.
#include <algorithm>
#include <netinet/in.h>

#include "engine/http/address.hpp"
#include "tests/engine/http/client_fixture.hpp"

namespace act::http::test {
namespace {

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

TEST(endpoint_test, authority_leaves_out_the_usual_port) {
    EXPECT_EQ((endpoint{"a.b", 80, false}.authority()), "a.b");
    EXPECT_EQ((endpoint{"a.b", 443, true}.authority()), "a.b");
    EXPECT_EQ((endpoint{"a.b", 443, false}.authority()), "a.b:443");
    EXPECT_EQ((endpoint{"::1", 10000, false}.authority()), "[::1]:10000");
}

}  // namespace
}  // namespace act::http::test
