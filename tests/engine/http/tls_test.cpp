// Trust, names and sessions.
#include "engine/http/tls.hpp"

#include <cstdlib>
#include <fstream>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

task<void> hello(server_exchange& x) {
    const fields none;
    (void)co_await x.respond(200, none, body::text("hello"), {});
}

class tls_test : public testing::Test {
protected:
    result<answer> ask(const certificate_files& files, const std::string& ca, const std::string& host) {
        client_options c;
        c.ca_file = ca;
        server_options s;
        s.tls_certificate = files.certificate;
        s.tls_key = files.key;
        rig r(hello, c, s);
        endpoint to = r.where;
        to.host = host;
        return r.run(fetch(r.client, to, make_request(verb::get, "/"), body::none(), {}));
    }
    temp_dir dir_;
};

TEST_F(tls_test, checks_host_names_and_addresses) {
    const auto both = make_certificate(dir_, "both", {"localhost", "127.0.0.1"});
    EXPECT_TRUE(ask(both, both.ca, "127.0.0.1"));
    EXPECT_TRUE(ask(both, both.ca, "localhost"));
    const auto name = make_certificate(dir_, "name", {"localhost"});
    EXPECT_TRUE(ask(name, name.ca, "localhost"));
    auto refused = ask(name, name.ca, "127.0.0.1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::configuration) << refused.error().message();
    EXPECT_NE(refused.error().message().find("mismatch"), std::string::npos) << refused.error().message();
    const auto other = make_certificate(dir_, "other", {"example.org"});
    refused = ask(other, other.ca, "localhost");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::configuration);
    EXPECT_NE(refused.error().message().find("localhost"), std::string::npos);
}

TEST_F(tls_test, refuses_an_unknown_authority) {
    const auto ours = make_certificate(dir_, "ours", {"localhost", "127.0.0.1"});
    const auto theirs = make_certificate(dir_, "theirs", {"localhost", "127.0.0.1"});
    auto refused = ask(ours, theirs.ca, "127.0.0.1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::configuration);
    EXPECT_NE(refused.error().advice().find("SSL_CERT_FILE"), std::string::npos);
}

TEST_F(tls_test, says_when_there_is_nothing_to_trust) {
    const auto ours = make_certificate(dir_, "ours", {"127.0.0.1"});
    auto refused = ask(ours, dir_.path("missing.pem"), "127.0.0.1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::configuration);
    EXPECT_NE(refused.error().message().find("missing.pem"), std::string::npos);
}

TEST_F(tls_test, trusts_what_the_environment_names) {
    const auto ours = make_certificate(dir_, "ours", {"127.0.0.1"});
    ::setenv("SSL_CERT_FILE", ours.ca.c_str(), 1);
    EXPECT_TRUE(ask(ours, "", "127.0.0.1"));
    ::setenv("SSL_CERT_FILE", dir_.path("missing.pem").c_str(), 1);
    auto refused = ask(ours, "", "127.0.0.1");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("SSL_CERT_FILE"), std::string::npos);
    ::unsetenv("SSL_CERT_FILE");
}

TEST_F(tls_test, a_peer_without_tls_is_no_endless_wait) {
    const auto ours = make_certificate(dir_, "ours", {"127.0.0.1"});
    raw_server peer([](int fd, int) {
        read_exactly(fd, 5);
        send_text(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
        ::shutdown(fd, SHUT_WR);
        read_to_end(fd);
    });
    runtime threads;
    client_options o;
    o.ca_file = ours.ca;
    client c(threads, o);
    auto got = threads.run(
        fetch(c, {"127.0.0.1", peer.where().port, true}, make_request(verb::get, "/"), body::none(), {}));
    threads.run(c.close());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::unavailable) << got.error().message();
    EXPECT_NE(got.error().message().find("TLS"), std::string::npos);
}

// ---- sessions without sockets

void exchange_output(tls_session& from, tls_session& to) {
    const auto bytes = from.output().view();
    to.feed(bytes);
    to.settle();
    from.output().release();
}

bool shake_hands(tls_session& a, tls_session& b) {
    for (int i = 0; i < 10; ++i) {
        const auto x = a.handshake();
        exchange_output(a, b);
        const auto y = b.handshake();
        exchange_output(b, a);
        if (x == tls_session::step::failed || y == tls_session::step::failed) return false;
        if (x == tls_session::step::done && y == tls_session::step::done) return true;
    }
    return false;
}

/// One connection with a word from the server, which brings the ticket; whether it was a resumed one.
bool resumed_at(tls_client_context& client, tls_server_context& server, const char* peer,
                const char* address) {
    auto c = client.connect("localhost", peer, address);
    auto s = server.accept();
    EXPECT_TRUE(shake_hands(**c, **s));
    EXPECT_TRUE((*s)->write("hi", 2));
    exchange_output(**s, **c);
    std::byte text[10];
    EXPECT_EQ((*c)->read(text).value(), 2u);
    return (*c)->resumed();
}

TEST_F(tls_test, resumes_sessions_per_peer) {
    const auto files = make_certificate(dir_, "ours", {"localhost"});
    auto server = tls_server_context::make(files.certificate, files.key);
    auto client = tls_client_context::make(files.ca);
    ASSERT_TRUE(server);
    ASSERT_TRUE(client);
    EXPECT_FALSE(resumed_at(**client, **server, "localhost:1", ""));
    EXPECT_TRUE(resumed_at(**client, **server, "localhost:1", ""));
    EXPECT_FALSE(resumed_at(**client, **server, "localhost:2", ""));
}

TEST_F(tls_test, resumes_sessions_across_the_addresses_of_a_peer_that_share_their_keys) {
    const auto files = make_certificate(dir_, "ours", {"localhost"});
    auto server = tls_server_context::make(files.certificate, files.key);
    auto client = tls_client_context::make(files.ca);
    EXPECT_FALSE(resumed_at(**client, **server, "localhost:1", "127.0.0.1"));
    EXPECT_TRUE(resumed_at(**client, **server, "localhost:1", "127.0.0.2"));
    EXPECT_TRUE(resumed_at(**client, **server, "localhost:1", "127.0.0.1"));
}

TEST_F(tls_test, resumes_sessions_of_addresses_that_have_keys_of_their_own) {
    const auto files = make_certificate(dir_, "ours", {"localhost"});
    auto one = tls_server_context::make(files.certificate, files.key);
    auto other = tls_server_context::make(files.certificate, files.key);
    auto client = tls_client_context::make(files.ca);
    EXPECT_FALSE(resumed_at(**client, **one, "localhost:1", "127.0.0.1"));
    EXPECT_FALSE(resumed_at(**client, **other, "localhost:1", "127.0.0.2"));
    // In turns: neither puts the other's out.
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(resumed_at(**client, **one, "localhost:1", "127.0.0.1"));
        EXPECT_TRUE(resumed_at(**client, **other, "localhost:1", "127.0.0.2"));
    }
}

TEST_F(tls_test, reports_a_tampered_record) {
    const auto files = make_certificate(dir_, "ours", {"localhost"});
    auto server = tls_server_context::make(files.certificate, files.key);
    auto client = tls_client_context::make(files.ca);
    auto c = (*client)->connect("localhost", "localhost:1", "");
    auto s = (*server)->accept();
    ASSERT_TRUE(shake_hands(**c, **s));
    ASSERT_TRUE((*c)->write("hello", 5));
    const auto sent = (*c)->output().view();
    std::vector<std::byte> bytes(sent.begin(), sent.end());
    bytes.back() ^= std::byte(1);
    (*s)->feed(bytes);
    (*s)->settle();
    std::byte text[10];
    EXPECT_FALSE((*s)->read(text));
}

}  // namespace
}  // namespace act::http::test
