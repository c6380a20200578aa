// Which requests go through a proxy, and how.
#include "engine/http/proxy.hpp"

#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/core/log.hpp"
#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

using environment = std::map<std::string, std::string>;

/// "host:port" of the proxy, "direct", or the error's kind.
std::string way(const environment& e, const std::string& host, bool tls = true, std::uint16_t port = 0) {
    const proxy_rules rules(e);
    auto found = rules.route(host, port ? port : tls ? 443 : 80, tls);
    if (!found) return std::string(to_string(found.error().kind()));
    if (!*found) return "direct";
    return (*found)->host + ":" + std::to_string((*found)->port);
}

TEST(proxy_rules_test, each_scheme_has_its_variable) {
    EXPECT_EQ(way({}, "a.example"), "direct");
    const environment both{{"HTTPS_PROXY", "http://secure:1"}, {"HTTP_PROXY", "plain:2"}};
    EXPECT_EQ(way(both, "a.example", true), "secure:1");
    EXPECT_EQ(way(both, "a.example", false), "plain:2");
    EXPECT_EQ(way({{"https_proxy", "HTTP://secure"}}, "a.example"), "secure:80");
    EXPECT_EQ(way({{"https_proxy", "secure:1"}}, "a.example", false), "direct");
    EXPECT_EQ(way({{"ALL_PROXY", "any:3"}}, "a.example"), "any:3");
    EXPECT_EQ(way({{"all_proxy", "any:3"}, {"HTTPS_PROXY", "secure:1"}}, "a.example"), "secure:1");
    EXPECT_EQ(way({{"HTTPS_PROXY", ""}, {"ALL_PROXY", ""}}, "a.example"), "direct");
    EXPECT_EQ(way({{"HTTPS_PROXY", "http://[fd00::1]:8080/"}}, "a.example"), "fd00::1:8080");
}

TEST(proxy_rules_test, a_header_of_a_stranger_is_no_proxy) {
    const environment cgi{{"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "evil:1"}};
    EXPECT_EQ(way(cgi, "a.example", false), "direct");
    EXPECT_EQ(way({{"REQUEST_METHOD", "GET"}, {"http_proxy", "good:1"}}, "a.example", false), "good:1");
}

TEST(proxy_rules_test, exceptions_by_name_address_network_and_port) {
    const auto except = [](const std::string& list, const std::string& host, std::uint16_t port = 443) {
        return way({{"ALL_PROXY", "p:1"}, {"no_proxy", list}}, host, true, port) == "direct";
    };
    EXPECT_FALSE(except("", "a.example"));
    EXPECT_TRUE(except("*", "a.example"));
    EXPECT_TRUE(except("x.y, example", "a.example"));
    EXPECT_TRUE(except("EXAMPLE", "Example"));
    EXPECT_TRUE(except("example.com", "a.b.example.com."));
    EXPECT_FALSE(except("example.com", "notexample.com"));
    EXPECT_TRUE(except(".example.com", "a.example.com"));
    EXPECT_FALSE(except(".example.com", "example.com"));
    EXPECT_TRUE(except("*.example.com", "a.example.com"));
    EXPECT_FALSE(except("*.example.com", "example.com"));
    EXPECT_TRUE(except("example.com:8443", "example.com", 8443));
    EXPECT_FALSE(except("example.com:8443", "example.com", 443));
    EXPECT_TRUE(except("10.1.2.3", "10.1.2.3"));
    EXPECT_FALSE(except("10.1.2.3", "10.1.2.30"));
    EXPECT_FALSE(except("1.2.3", "10.1.2.3"));
    EXPECT_TRUE(except("10.1.2.3:99", "10.1.2.3", 99));
    EXPECT_FALSE(except("10.1.2.3:99", "10.1.2.3", 98));
    EXPECT_TRUE(except("10.0.0.0/8", "10.200.1.1"));
    EXPECT_FALSE(except("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(except("10.128.0.0/9", "10.129.0.1"));
    EXPECT_FALSE(except("10.128.0.0/9", "10.127.0.1"));
    EXPECT_TRUE(except("0.0.0.0/0", "8.8.8.8"));
    EXPECT_TRUE(except("fd00::/8", "fd12::1"));
    EXPECT_FALSE(except("fd00::/8", "2001:db8::1"));
    EXPECT_TRUE(except("fd00::1", "fd00::1"));
    EXPECT_TRUE(except("[fd00::1]:7", "fd00::1", 7));
    EXPECT_FALSE(except("10.0.0.0/33,10.0.0.0/x,:,.,", "10.0.0.1"));
}

TEST(proxy_rules_test, this_machine_is_never_behind_a_proxy) {
    for (const char* host : {"127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST", "169.254.169.254",
                             "169.254.170.2", "fe80::1", "febf::a9fe"})
        EXPECT_EQ(way({{"ALL_PROXY", "p:1"}}, host), "direct") << host;
    for (const char* host : {"localhost.example", "169.253.1.1", "169.255.1.1", "fec0::1", "fd00::fe80"})
        EXPECT_EQ(way({{"ALL_PROXY", "p:1"}}, host), "p:1") << host;
}

TEST(proxy_rules_test, credentials_are_decoded_and_shown_nowhere) {
    const proxy_rules rules(environment{{"HTTPS_PROXY", "http://us%40er:p%3Aw%20%C3%A9@p:1"}});
    auto found = rules.route("a.example", 443, true);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->authorization.reveal(), "Basic dXNAZXI6cDp3IMOp");
    EXPECT_EQ((*found)->name(), "the proxy p:1 (HTTPS_PROXY)");
}

TEST(proxy_rules_test, what_cannot_be_used_says_which_variable_and_why) {
    for (const char* bad : {"https://u:hidden@p:1", "socks5://u:hidden@p:1", "socks5h://p:1", "ftp://p",
                            "http://", "http://u:hidden@", "p:0", "p:70000", "http://u:hid%zen@p:1",
                            "http://[::1", "http://u:hid/den@p:1", "u:hid#den@p:1", "http://u:hid?den@p:1"}) {
        const proxy_rules rules(environment{{"HTTPS_PROXY", bad}});
        auto found = rules.route("a.example", 443, true);
        ASSERT_FALSE(found) << bad;
        const error& e = found.error();
        EXPECT_EQ(e.kind(), kind::configuration);
        EXPECT_NE(e.message().find("HTTPS_PROXY"), std::string::npos) << e.message();
        EXPECT_EQ((e.message() + e.advice()).find("hid"), std::string::npos) << e.message();
        // It does not matter where it does not apply.
        EXPECT_TRUE(rules.route("a.example", 80, false)) << bad;
        EXPECT_TRUE(rules.route("localhost", 443, true)) << bad;
    }
}

// ---- on the wire

void pump(int a, int b) {
    char data[16384];
    pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    for (;;) {
        if (::poll(both, 2, -1) < 0) return;
        for (int i = 0; i < 2; ++i) {
            if (both[i].revents == 0) continue;
            const auto got = ::recv(both[i].fd, data, sizeof data, 0);
            if (got <= 0) return;
            send_text(both[1 - i].fd, std::string_view(data, static_cast<std::size_t>(got)));
        }
    }
}

class proxy_test : public testing::Test {
protected:
    /// A client that goes through a proxy at this port.
    client_options through(std::uint16_t port, const std::string& user = "") {
        client_options o;
        const std::string url = "http://" + user + "127.0.0.1:" + std::to_string(port);
        o.proxies = proxy_rules(environment{{"HTTPS_PROXY", url}, {"HTTP_PROXY", url}});
        return o;
    }
    result<answer> ask(client_options o, endpoint to, const body& b = body::none()) {
        runtime_options one;
        one.loops = 1;
        runtime threads(one);
        client c(threads, std::move(o));
        auto got =
            threads.run(fetch(c, to, make_request(b.length ? verb::put : verb::get, "/c/b?x=1"), b, {}));
        threads.run(c.close());
        return got;
    }
    temp_dir dir_;
};

task<void> echo(server_exchange& x) {
    const fields none;
    std::string text(x.request().target);
    auto sent = co_await x.read_all(1 << 20, {});
    if (sent) text += *sent;
    (void)co_await x.respond(200, none, body::text(text), {});
}

TEST_F(proxy_test, https_goes_through_a_tunnel_and_is_checked_as_without) {
    const auto files = make_certificate(dir_, "store", {"store.test"});
    server_options so;
    so.tls_certificate = files.certificate;
    so.tls_key = files.key;
    client_options direct;
    rig r(echo, direct, so);
    std::vector<std::string> heads;
    raw_server proxy([&](int fd, int) {
        heads.push_back(read_head(fd));
        send_text(fd, "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
        const int far = connect_to(r.where.port);
        pump(fd, far);
        ::close(far);
    });
    auto o = through(proxy.where().port, "me:secret%21@");
    o.ca_file = files.ca;
    const std::string data = pattern(300'000);
    auto got = ask(o, {"store.test", 8443, true}, body::text(data));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->text, "/c/b?x=1" + data);
    ASSERT_EQ(heads.size(), 1u);
    EXPECT_TRUE(heads[0].starts_with("CONNECT store.test:8443 HTTP/1.1\r\nHost: store.test:8443\r\n"))
        << heads[0];
    EXPECT_NE(heads[0].find("Proxy-Authorization: Basic bWU6c2VjcmV0IQ==\r\n"), std::string::npos);
    // The name in the certificate is the endpoint's.
    auto other = ask(o, {"other.test", 8443, true});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind(), kind::configuration) << other.error().message();
    EXPECT_NE(other.error().message().find("other.test"), std::string::npos);
}

TEST_F(proxy_test, plain_requests_carry_the_whole_url) {
    std::mutex mutex;
    std::vector<std::string> heads;
    raw_server proxy([&](int fd, int) {
        for (std::string head = read_head(fd); !head.empty(); head = read_head(fd)) {
            std::lock_guard lock(mutex);
            heads.push_back(head);
            send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
        }
    });
    runtime_options one;
    one.loops = 1;
    runtime threads(one);
    client c(threads, through(proxy.where().port, "me:secret%21@"));
    for (int i = 0; i < 2; ++i) {
        auto got = threads.run(
            fetch(c, {"store.test", 10000, false}, make_request(verb::get, "/c/b?x=1"), body::none(), {}));
        ASSERT_TRUE(got) << got.error().message();
    }
    // An endpoint on this machine is reached without it.
    raw_server here([](int fd, int) {
        if (read_head(fd).starts_with("GET /c/b HTTP/1.1\r\n"))
            send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    auto direct = threads.run(fetch(c, here.where(), make_request(verb::get, "/c/b"), body::none(), {}));
    ASSERT_TRUE(direct) << direct.error().message();
    EXPECT_EQ(direct->status, 200);
    threads.run(c.close());
    ASSERT_EQ(heads.size(), 2u);
    EXPECT_EQ(proxy.accepted(), 1) << "the connection to the proxy is kept";
    for (const auto& head : heads) {
        EXPECT_TRUE(
            head.starts_with("GET http://store.test:10000/c/b?x=1 HTTP/1.1\r\nHost: store.test:10000\r\n"))
            << head;
        EXPECT_NE(head.find("Proxy-Authorization: Basic bWU6c2VjcmV0IQ==\r\n"), std::string::npos);
    }
}

TEST_F(proxy_test, refusals_name_the_proxy_the_reason_and_what_to_do) {
    struct one {
        const char* status;
        bool tls;
        kind what;
        const char* advice;
    };
    for (const one& o : {one{"407 Proxy Authentication Required", true, kind::authentication, "HTTPS_PROXY"},
                         one{"407 Proxy Authentication Required", false, kind::authentication, "HTTP_PROXY"},
                         one{"403 Forbidden by policy", true, kind::permission, "NO_PROXY"},
                         one{"502 Bad Gateway", true, kind::unavailable, "NO_PROXY"}}) {
        raw_server proxy([&](int fd, int) {
            read_head(fd);
            send_text(fd, std::string("HTTP/1.1 ") + o.status + "\r\nContent-Length: 5\r\n\r\nsorry");
        });
        auto got = ask(through(proxy.where().port, "me:hidden@"), {"store.test", 443, o.tls});
        ASSERT_FALSE(got) << o.status;
        const error& e = got.error();
        EXPECT_EQ(e.kind(), o.what) << e.message();
        EXPECT_NE(e.message().find("the proxy 127.0.0.1:" + std::to_string(proxy.where().port)),
                  std::string::npos)
            << e.message();
        EXPECT_NE(e.message().find(std::string(o.status).substr(0, 3)), std::string::npos) << e.message();
        EXPECT_NE(e.advice().find(o.advice), std::string::npos) << e.advice();
        EXPECT_NE(e.advice().find("store.test"), std::string::npos) << e.advice();
        EXPECT_EQ((e.message() + e.advice()).find("hidden"), std::string::npos);
    }
}

TEST_F(proxy_test, one_that_is_not_there_or_not_a_proxy_says_so) {
    const std::uint16_t nobody = dead_port();
    auto dead = ask(through(nobody, "me:hidden@"), {"store.test", 443, true});
    ASSERT_FALSE(dead);
    EXPECT_EQ(dead.error().kind(), kind::unavailable);
    EXPECT_NE(dead.error().message().find("the proxy 127.0.0.1:" + std::to_string(nobody)), std::string::npos)
        << dead.error().message();
    EXPECT_NE(dead.error().message().find("refused"), std::string::npos) << dead.error().message();
    EXPECT_NE(dead.error().advice().find("HTTPS_PROXY"), std::string::npos) << dead.error().advice();
    EXPECT_EQ(dead.error().message().find("hidden"), std::string::npos);

    for (const char* text : {"", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nHello"}) {
        raw_server odd([&](int fd, int) {
            read_head(fd);
            send_text(fd, text);
        });
        auto got = ask(through(odd.where().port), {"store.test", 443, true});
        ASSERT_FALSE(got) << text;
        EXPECT_NE(got.error().message().find("the proxy 127.0.0.1"), std::string::npos)
            << got.error().message();
    }
}

TEST_F(proxy_test, one_that_says_nothing_ends_with_the_time_for_connecting) {
    raw_server silent([](int fd, int) { read_to_end(fd); });
    auto o = through(silent.where().port);
    o.connect_timeout = std::chrono::milliseconds(100);
    auto got = ask(o, {"store.test", 443, true});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::timeout) << got.error().message();
    EXPECT_NE(got.error().message().find("the proxy"), std::string::npos) << got.error().message();
}

}  // namespace
}  // namespace act::http::test
