// How the client comes to its connections: addresses that are dead or silent, and the pool.
#include <algorithm>
#include <netinet/in.h>

#include "engine/http/address.hpp"
#include "tests/engine/http/client_fixture.hpp"

namespace act::http::test {
namespace {

class connecting_test : public client_test {};

TEST_F(connecting_test, connecting_ends_on_stop_deadline_and_its_own_limit) {
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

TEST_F(connecting_test, a_refused_connection_and_an_unknown_name_say_so) {
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

TEST_F(connecting_test, dead_addresses_among_several_are_skipped) {
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

TEST_F(connecting_test, a_silent_address_gets_company_and_comes_last_from_then_on) {
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

TEST_F(connecting_test, of_two_families_the_one_that_works_is_used) {
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

TEST_F(connecting_test, when_all_addresses_are_silent_or_dead_connecting_ends_in_time) {
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

// ---- the pool

TEST_F(connecting_test, never_opens_more_connections_than_allowed) {
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

TEST_F(connecting_test, waiting_for_a_connection_ends_and_leaves_the_pool_whole) {
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

TEST_F(connecting_test, another_endpoint_may_take_the_place_of_an_idle_connection) {
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

}  // namespace
}  // namespace act::http::test
