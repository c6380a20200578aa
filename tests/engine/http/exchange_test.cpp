// A client and a server of ours on loopback: bodies both ways, framings, keep-alive.
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

using namespace std::chrono_literals;

// Answers with what it got; the target says how.
task<void> echo(server_exchange& x) {
    fields f;
    f.add("X-Method", x.request().method);
    f.add("X-Peer", x.peer());
    if (x.request().target == "/unread") {
        (void)co_await x.respond(403, f, body::text("no"), {});
        co_return;
    }
    auto text = co_await x.read_all(256 << 20, {});
    if (!text) co_return;
    if (x.request().target == "/chunked") {
        if (!co_await x.begin(200, f, std::nullopt, {})) co_return;
        for (std::size_t at = 0; at < text->size();) {
            const std::size_t part = std::min<std::size_t>(1 + at / 3, text->size() - at);
            if (!co_await x.write(body::text(std::string_view(*text).substr(at, part)), {})) co_return;
            at += part;
        }
        (void)co_await x.finish({});
    } else if (x.request().target == "/pieces") {
        if (!co_await x.begin(200, f, text->size(), {})) co_return;
        const auto half = text->size() / 2;
        (void)co_await x.write(body::text(std::string_view(*text).substr(0, half)), {});
        (void)co_await x.write(body::text(std::string_view(*text).substr(half)), {});
        (void)co_await x.finish({});
    } else if (x.request().method == "HEAD") {
        f.add("Content-Length", std::uint64_t(12345));
        (void)co_await x.respond(200, f, body::none(), {});
    } else if (x.request().target == "/204") {
        (void)co_await x.respond(204, f, body::none(), {});
    } else {
        (void)co_await x.respond(200, f, body::text(*text), {});
    }
}

class exchange_test : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        client_options c;
        server_options s;
        if (GetParam()) {
            const auto files = make_certificate(dir_, "good", {"localhost", "127.0.0.1"});
            s.tls_certificate = files.certificate;
            s.tls_key = files.key;
            c.ca_file = files.ca;
        }
        rig_ = std::make_unique<rig>(echo, c, s, 2);
    }
    result<answer> ask(verb v, std::string target, const body& b) {
        return rig_->run(fetch(rig_->client, rig_->where, make_request(v, std::move(target)), b, {}));
    }
    temp_dir dir_;
    std::unique_ptr<rig> rig_;
};

INSTANTIATE_TEST_SUITE_P(plain_and_tls, exchange_test, testing::Bool(),
                         [](const auto& info) { return info.param ? "tls" : "plain"; });

TEST_P(exchange_test, sends_and_receives_bodies_of_all_sizes) {
    for (std::size_t size : {0, 1, 100, 4096, 16383, 16384, 16385, 65536, 262144, 262145, 5 << 20}) {
        const auto text = pattern(size);
        auto got = ask(verb::put, "/", body::text(text));
        ASSERT_TRUE(got) << got.error().message();
        EXPECT_EQ(got->status, 200);
        EXPECT_TRUE(got->text == text) << size;
        EXPECT_EQ(got->headers.get("x-method"), "PUT");
        EXPECT_EQ(got->headers.get("X-Peer"), "127.0.0.1");
    }
    EXPECT_EQ(rig_->client.stats().connections_opened, 1u);
    EXPECT_EQ(rig_->client.stats().requests, 11u);
}

TEST_P(exchange_test, sends_file_ranges) {
    const auto text = pattern(3 << 20);
    std::ofstream(dir_.path("f"), std::ios::binary) << text;
    const int fd = ::open(dir_.path("f").c_str(), O_RDONLY);
    auto got = ask(verb::put, "/", body::file(fd, 1000, (2 << 20) + 7));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_TRUE(got->text == text.substr(1000, (2 << 20) + 7));
    // A range beyond the end cannot be kept as promised.
    auto cut = ask(verb::put, "/", body::file(fd, 3 << 20, 1000));
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().kind(), kind::io);
    ::close(fd);
    EXPECT_TRUE(ask(verb::get, "/", body::none()));
}

TEST_P(exchange_test, reads_chunked_and_pieced_answers) {
    const auto text = pattern(300000);
    for (const char* target : {"/chunked", "/pieces"}) {
        for (int i = 0; i < 2; ++i) {
            auto got = ask(verb::post, target, body::text(text));
            ASSERT_TRUE(got) << got.error().message();
            EXPECT_TRUE(got->text == text) << target;
        }
    }
    EXPECT_EQ(rig_->client.stats().connections_opened, 1u);
}

TEST_P(exchange_test, head_and_204_have_no_body) {
    auto head = ask(verb::head, "/", body::none());
    ASSERT_TRUE(head);
    EXPECT_EQ(head->text, "");
    EXPECT_EQ(head->headers.get("content-length"), "12345");
    auto none = ask(verb::del, "/204", body::none());
    ASSERT_TRUE(none);
    EXPECT_EQ(none->status, 204);
    EXPECT_FALSE(none->headers.has("Content-Length"));
    EXPECT_TRUE(ask(verb::get, "/", body::none()));
    EXPECT_EQ(rig_->client.stats().connections_opened, 1u);
}

TEST_P(exchange_test, reads_an_answer_given_before_the_body_was_sent) {
    const auto text = pattern(64 << 20);
    auto got = ask(verb::put, "/unread", body::text(text));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 403);
    EXPECT_EQ(got->text, "no");
    // A smaller one is drained by the server, and the connection stays.
    auto small = ask(verb::put, "/unread", body::text(std::string_view(text).substr(0, 100000)));
    ASSERT_TRUE(small);
    EXPECT_EQ(small->status, 403);
    EXPECT_TRUE(ask(verb::get, "/", body::none()));
}

task<result<std::string>> read_oddly(client& c, endpoint to, std::string_view text) {
    const auto r = make_request(verb::put, "/");
    auto x = co_await c.send(to, r, body::text(text), {});
    if (!x) co_return x.error();
    std::string out;
    std::string buffer(70000, '\0');
    std::size_t step = 1;
    while (!x->finished()) {
        auto into = std::as_writable_bytes(std::span(buffer.data(), std::min(step, buffer.size())));
        auto got = step % 2 ? co_await x->read(into, {}) : co_await x->read_some(into, {});
        if (!got) co_return got.error();
        if (step % 2 && *got < into.size() && !x->finished()) co_return error(kind::internal, "short read");
        out.append(buffer, 0, *got);
        step += step / 2 + 1;
    }
    co_return out;
}

TEST_P(exchange_test, reads_in_any_steps) {
    const auto text = pattern(1000000);
    auto got = rig_->run(read_oddly(rig_->client, rig_->where, text));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_TRUE(*got == text);
}

task<void> many(client& c, endpoint to, unsigned seed, std::atomic<int>& good) {
    for (unsigned i = 0; i < 20; ++i) {
        const auto text = pattern(1 + (seed * 7919 + i * 104729) % 100000, seed + i);
        auto got =
            co_await fetch(c, to, make_request(verb::put, i % 2 ? "/" : "/chunked"), body::text(text), {});
        if (got && got->text == text) ++good;
    }
}

task<void> join(task_group& g) { co_await g.join(); }

TEST_P(exchange_test, serves_many_connections_on_several_loops) {
    std::atomic<int> good{0};
    task_group group;
    for (unsigned i = 0; i < 32; ++i) {
        group.spawn(rig_->threads.at(i % 2), many(rig_->client, rig_->where, i, good));
    }
    rig_->run(join(group));
    EXPECT_EQ(good, 32 * 20);
    EXPECT_LE(rig_->client.stats().connections_opened, 32u);
}

TEST_P(exchange_test, an_exchange_may_be_dropped_anywhere) {
    const auto text = pattern(1 << 20);
    const auto r = make_request(verb::put, "/");
    for (int i = 0; i < 3; ++i) {
        // Destroyed on this thread, which is no loop's, with the body unread.
        auto x = rig_->run(rig_->client.send(rig_->where, r, body::text(text), {}));
        ASSERT_TRUE(x);
        EXPECT_EQ(x->head().content_length, text.size());
    }
    auto got = ask(verb::put, "/", body::text("after"));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->text, "after");
}

}  // namespace
}  // namespace act::http::test
