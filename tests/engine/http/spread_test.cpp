#include <algorithm>
#include <map>

#include "engine/core/log.hpp"
#include "tests/engine/http/client_fixture.hpp"

/// How connections are dealt among the addresses of a name.
namespace act::http::test {
namespace {

/// Servers on several addresses of this machine, all at one port, that answer with their address.
class front_ends {
public:
    front_ends(runtime& threads, std::vector<std::string> where, server_options so = {})
        : threads_(threads), where_(std::move(where)), options_(std::move(so)) {
        // The kernel picks the port of the first; somebody else may have it at another address.
        for (int tries = 0; tries < 50 && servers_.size() != where_.size(); ++tries) {
            stop_all();
            port_ = 0;
            for (const auto& address : where_) {
                if (!start(address)) break;
            }
        }
    }
    ~front_ends() { stop_all(); }
    bool all_there() const { return servers_.size() == where_.size(); }
    bool start(const std::string& address) {
        server_options so = options_;
        so.listen = address + ":" + std::to_string(port_);
        auto answer = [address](server_exchange& x) -> task<void> {
            const fields none;
            (void)co_await x.respond(200, none, body::text(address), {});
        };
        auto made = std::make_unique<server>(threads_, so, answer);
        if (!made->start()) return false;
        port_ = made->port();
        servers_[address] = std::move(made);
        return true;
    }
    void stop(const std::string& address) {
        threads_.run(servers_.at(address)->stop({}));
        servers_.erase(address);
    }
    std::uint64_t accepted(const std::string& address) const {
        return servers_.at(address)->stats().accepted;
    }
    endpoint at(const char* name, bool tls = false) const { return {name, port_, tls}; }

private:
    void stop_all() {
        for (auto& [address, one] : servers_) threads_.run(one->stop({}));
        servers_.clear();
    }
    runtime& threads_;
    const std::vector<std::string> where_;
    const server_options options_;
    std::map<std::string, std::unique_ptr<server>> servers_;
    std::uint16_t port_ = 0;
};

/// Holds so many connections at once and then ends their requests; by address, how many went there.
task<std::map<std::string, int>> hold(client& c, endpoint to, int count) {
    std::vector<exchange> held;
    std::map<std::string, int> from;
    const auto r = make_request(verb::get, "/");
    for (int i = 0; i < count; ++i) {
        auto one = co_await c.send(to, r, body::none(), {});
        EXPECT_TRUE(one) << one.error().message();
        if (one) held.push_back(std::move(*one));
    }
    for (auto& one : held) {
        auto text = co_await one.read_all(100, {});
        if (text) ++from[*text];
    }
    co_return from;
}

task<void> one_more(client& c, endpoint to, std::map<std::string, int>& from) {
    auto got = co_await fetch(c, to, make_request(verb::get, "/"), body::none(), {});
    EXPECT_TRUE(got) << got.error().message();
    if (got) ++from[got->text];
}

/// So many requests at the same time.
task<std::map<std::string, int>> burst(client& c, endpoint to, int count) {
    std::map<std::string, int> from;
    task_group group;
    for (int i = 0; i < count; ++i) group.spawn(loop::current(), one_more(c, to, from));
    co_await group.join();
    co_return from;
}

using counts = std::map<std::string, int>;

class spread_test : public client_test {
protected:
    ~spread_test() override { close(); }
    static client_options pinned(std::vector<std::string> addresses) {
        client_options o;
        o.pinned["blobs.example"] = std::move(addresses);
        return o;
    }
};

TEST_F(spread_test, connections_are_dealt_evenly_one_after_the_other_and_all_at_once) {
    front_ends servers(threads_, {"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    ASSERT_TRUE(servers.all_there());
    const counts even{{"127.0.0.2", 4}, {"127.0.0.3", 4}, {"127.0.0.4", 4}};
    const auto to = servers.at("blobs.example");
    make(pinned({"127.0.0.2", "127.0.0.3", "127.0.0.4"}));
    EXPECT_EQ(threads_.run(hold(*client_, to, 12)), even);
    close();
    make(pinned({"127.0.0.2", "127.0.0.3", "127.0.0.4"}));
    EXPECT_EQ(threads_.run(burst(*client_, to, 12)), even);
    EXPECT_EQ(client_->stats().connections_opened, 12u);
}

TEST_F(spread_test, the_loops_of_a_client_count_together) {
    runtime_options four;
    four.loops = 4;
    runtime threads(four);
    front_ends servers(threads, {"127.0.0.2", "127.0.0.3"});
    ASSERT_TRUE(servers.all_there());
    client c(threads, pinned({"127.0.0.2", "127.0.0.3"}));
    // Each loop holds an uneven number, one loop after the other.
    auto three = [](client& c, endpoint to) -> task<void> { (void)co_await hold(c, to, 3); };
    auto each = [&three](runtime& r, client& c, endpoint to) -> task<void> {
        for (unsigned i = 0; i < r.size(); ++i) {
            task_group group;
            group.spawn(r.at(i), three(c, to));
            co_await group.join();
        }
    };
    threads.run(each(threads, c, servers.at("blobs.example")));
    EXPECT_EQ(servers.accepted("127.0.0.2"), 6u);
    EXPECT_EQ(servers.accepted("127.0.0.3"), 6u);
    threads.run(c.close());
}

TEST_F(spread_test, what_closes_makes_room_where_it_was) {
    front_ends servers(threads_, {"127.0.0.2", "127.0.0.3"});
    ASSERT_TRUE(servers.all_there());
    make(pinned({"127.0.0.2", "127.0.0.3"}));
    const auto to = servers.at("blobs.example");
    auto replaced = [](client& c, endpoint e) -> task<std::vector<std::string>> {
        const auto r = make_request(verb::get, "/");
        auto first = co_await c.send(e, r, body::none(), {});
        auto second = co_await c.send(e, r, body::none(), {});
        std::vector<std::string> from;
        if (!first || !second) co_return from;
        for (int i = 0; i < 3; ++i) {
            auto again = co_await fetch(c, e, r, body::none(), {});
            if (!again) break;
            from.push_back(again->text);
            co_await c.close();
        }
        (void)co_await first->read_all(100, {});
        (void)co_await second->read_all(100, {});
        co_return from;
    };
    // One is open at each, so the third goes to the first of them each time that it is gone again.
    EXPECT_EQ(threads_.run(replaced(*client_, to)),
              (std::vector<std::string>{"127.0.0.2", "127.0.0.2", "127.0.0.2"}));
}

TEST_F(spread_test, a_lone_request_after_the_other_opens_one_connection) {
    front_ends servers(threads_, {"127.0.0.2", "127.0.0.3"});
    ASSERT_TRUE(servers.all_there());
    make(pinned({"127.0.0.2", "127.0.0.3"}));
    for (int i = 0; i < 5; ++i) {
        auto got = ask(servers.at("blobs.example"));
        ASSERT_TRUE(got) << got.error().message();
        EXPECT_EQ(got->text, "127.0.0.2");
    }
    EXPECT_EQ(client_->stats().connections_opened, 1u);
    EXPECT_EQ(servers.accepted("127.0.0.3"), 0u);
}

TEST_F(spread_test, the_preferred_family_has_all_of_them_while_it_answers) {
    front_ends servers(threads_, {"127.0.0.2", "127.0.0.3", "[::1]"});
    if (!servers.all_there()) GTEST_SKIP() << "this machine has no ::1";
    make(pinned({"127.0.0.2", "::1", "127.0.0.3"}));
    EXPECT_EQ(threads_.run(hold(*client_, servers.at("blobs.example"), 6)),
              (counts{{"127.0.0.2", 3}, {"127.0.0.3", 3}}));
    servers.stop("127.0.0.2");
    servers.stop("127.0.0.3");
    EXPECT_EQ(threads_.run(hold(*client_, servers.at("blobs.example"), 6)), (counts{{"[::1]", 6}}));
}

TEST_F(spread_test, the_work_of_one_that_dies_goes_to_the_others_until_it_is_back) {
    front_ends servers(threads_, {"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    ASSERT_TRUE(servers.all_there());
    auto o = pinned({"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    o.avoid_address = 100ms;
    make(o);
    const auto to = servers.at("blobs.example");
    EXPECT_EQ(threads_.run(burst(*client_, to, 6)).size(), 3u);
    servers.stop("127.0.0.3");
    for (int round = 0; round < 3; ++round) {
        const auto from = threads_.run(burst(*client_, to, 12));
        EXPECT_EQ(from.size(), 2u);
        threads_.run(client_->close());
        EXPECT_EQ(threads_.run(burst(*client_, to, 12)), (counts{{"127.0.0.2", 6}, {"127.0.0.4", 6}}));
    }
    ASSERT_TRUE(servers.start("127.0.0.3"));
    const auto give_up = steady::now() + 10s;
    counts from;
    while (from["127.0.0.3"] != 4 && steady::now() < give_up) {
        threads_.run(client_->close());
        from = threads_.run(hold(*client_, to, 12));
    }
    EXPECT_EQ(from["127.0.0.3"], 4);
}

TEST_F(spread_test, one_that_never_answered_is_tried_by_one_at_a_time) {
    front_ends servers(threads_, {"127.0.0.2"});
    ASSERT_TRUE(servers.all_there());
    const auto to = servers.at("blobs.example");
    make(pinned({"127.0.0.2", "127.0.0.3"}));
    // The first is known to answer; nothing is known of the second, which keeps silent.
    ASSERT_TRUE(ask(to));
    threads_.run(client_->close());
    full_listener silent("127.0.0.3", to.port);
    auto timed = [](client& c, endpoint e, std::vector<steady::duration>& took) -> task<void> {
        const auto begun = steady::now();
        auto got = co_await fetch(c, e, make_request(verb::get, "/"), body::none(), {});
        if (got && got->text == "127.0.0.2") took.push_back(steady::now() - begun);
    };
    auto all = [&timed](client& c, endpoint e, std::vector<steady::duration>& took) -> task<void> {
        task_group group;
        for (int i = 0; i < 8; ++i) group.spawn(loop::current(), timed(c, e, took));
        co_await group.join();
    };
    std::vector<steady::duration> took;
    threads_.run(all(*client_, to, took));
    ASSERT_EQ(took.size(), 8u);
    EXPECT_EQ(std::count_if(took.begin(), took.end(), [](auto t) { return t > 200ms; }), 1)
        << "one waits for its head start, nobody else";
}

TEST_F(spread_test, sessions_are_resumed_at_each_address_and_the_log_tells) {
    temp_dir files;
    const auto ours = make_certificate(files, "ours", {"blobs.example"});
    server_options so;
    so.tls_certificate = ours.certificate;
    so.tls_key = ours.key;
    // Servers of their own, so neither knows the other's tickets.
    front_ends servers(threads_, {"127.0.0.2", "127.0.0.3"}, so);
    ASSERT_TRUE(servers.all_there());
    auto o = pinned({"127.0.0.2", "127.0.0.3"});
    o.ca_file = ours.ca;
    make(o);
    const auto to = servers.at("blobs.example", true);
    std::vector<std::string> lines;
    log::set_level(log::level::debug);
    log::set_sink([&](log::level, std::string_view text) { lines.emplace_back(text); });
    EXPECT_EQ(threads_.run(hold(*client_, to, 2)), (counts{{"127.0.0.2", 1}, {"127.0.0.3", 1}}));
    EXPECT_EQ(client_->stats().sessions_resumed, 0u);
    threads_.run(client_->close());
    EXPECT_EQ(threads_.run(hold(*client_, to, 4)), (counts{{"127.0.0.2", 2}, {"127.0.0.3", 2}}));
    log::set_sink({});
    log::set_level(log::level::warning);
    EXPECT_EQ(client_->stats().sessions_resumed, 4u);
    std::erase_if(lines, [](const std::string& l) { return l.find("connected to") == std::string::npos; });
    const std::string name = "connected to " + to.host_and_port();
    EXPECT_EQ(lines, (std::vector<std::string>{
                         name + " at 127.0.0.2, 1 open there, new TLS session",
                         name + " at 127.0.0.3, 1 open there, new TLS session",
                         name + " at 127.0.0.2, 1 open there, TLS session resumed",
                         name + " at 127.0.0.3, 1 open there, TLS session resumed",
                         name + " at 127.0.0.2, 2 open there, TLS session resumed",
                         name + " at 127.0.0.3, 2 open there, TLS session resumed",
                     }));
}

}  // namespace
}  // namespace act::http::test
