// Retries, credentials and time limits around single tries.
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "engine/core/clock.hpp"
#include "engine/core/log.hpp"
#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

using namespace std::chrono_literals;

struct counting_authorizer final : authorizer {
    int signatures = 0, refreshes = 0;
    bool can_refresh = true;
    std::string token = "old";
    task<result<void>> authorize(request& r, const endpoint&, std::uint64_t length, until) override {
        ++signatures;
        r.headers.add("Authorization", token);
        r.headers.add("X-Length", length);
        co_return result<void>();
    }
    task<bool> refresh(until) override {
        ++refreshes;
        token = "new";
        co_return can_refresh;
    }
};

class pipeline_test : public testing::Test {
protected:
    /// Sends one PUT to a peer that answers the n-th request with answers[n] (empty: closes the connection).
    result<answer> against(std::vector<std::string> answers, until u = {}) {
        auto next = std::make_shared<std::atomic<std::size_t>>(0);
        raw_server peer([this, answers, next](int fd, int) {
            for (;;) {
                const auto head = read_head(fd);
                if (head.empty()) return;
                const std::size_t n = (*next)++;
                {
                    std::lock_guard lock(mutex_);
                    heads_.push_back(head);
                    bodies_.push_back(read_exactly(fd, 4));
                }
                if (n >= answers.size() || answers[n].empty()) return;
                send_text(fd, answers[n]);
                if (answers[n].find("Connection: close") != std::string::npos) return;
            }
        });
        return send(peer.where(), u);
    }
    result<answer> send(endpoint to, until u = {}) {
        runtime_options ro;
        ro.loops = 1;
        runtime threads(ro);
        client c(threads, {});
        pipeline p(c, signer_, options_);
        p.on_answer = [this](int status) { statuses_.push_back(status); };
        auto go = [](pipeline& line, endpoint e, until limit) -> task<result<answer>> {
            auto r = make_request(verb::put, "/b?sig=secret");
            r.headers.add("x-one", "1");
            auto x = co_await line.send(e, r, body::text("data"), limit);
            if (!x) co_return x.error();
            auto text = co_await x->read_all(1 << 20, {});
            if (!text) co_return text.error();
            answer out{x->head().status, *text, x->head().headers};
            co_return out;
        };
        auto got = threads.run(go(p, to, u));
        retries_ = c.stats().retries;
        threads.run(c.close());
        return got;
    }
    pipeline_test() {
        options_.retry.first_delay = 1ms;
        options_.retry.max_delay = 5ms;
    }
    pipeline_options options_;
    std::shared_ptr<counting_authorizer> signer_;
    std::mutex mutex_;
    std::vector<std::string> heads_, bodies_;
    std::vector<int> statuses_;
    std::uint64_t retries_ = 0;
};

std::string reply(int status, std::string extra = "", std::string text = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + extra +
           "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
}

TEST_F(pipeline_test, retries_what_may_pass) {
    auto got = against({reply(503, "", "busy"), "", reply(500), reply(429, "retry-after-ms: 3\r\n"),
                        reply(201, "", "fine")});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->status, 201);
    EXPECT_EQ(got->text, "fine");
    // The connection that closed without an answer had been used before: replaced, not a failure.
    EXPECT_EQ(statuses_, (std::vector<int>{503, 500, 429, 201}));
    EXPECT_EQ(retries_, 3u);
    for (const auto& b : bodies_) EXPECT_EQ(b, "data");
}

TEST_F(pipeline_test, a_try_that_fails_before_the_head_is_repeated) {
    auto got = against({"", "", reply(200)});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(statuses_, (std::vector<int>{0, 0, 200}));
}

TEST_F(pipeline_test, a_body_cut_after_the_head_is_not_repeated_here) {
    auto got = against({"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n123", ""});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::unavailable);
    EXPECT_EQ(heads_.size(), 1u);
}

TEST_F(pipeline_test, other_statuses_are_answers) {
    for (int status : {200, 304, 400, 403, 404, 409, 412, 416, 501}) {
        heads_.clear();
        auto got = against({reply(status)});
        ASSERT_TRUE(got);
        EXPECT_EQ(got->status, status);
        EXPECT_EQ(heads_.size(), 1u) << status;
    }
}

TEST_F(pipeline_test, the_last_answer_is_returned_with_its_body) {
    options_.retry.max_tries = 3;
    auto got = against({reply(503, "", "1"), reply(503, "", "2"), reply(503, "", "3"), reply(200)});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 503);
    EXPECT_EQ(got->text, "3");
}

TEST_F(pipeline_test, does_not_wait_past_the_deadline) {
    const until u;
    const auto begun = steady::now();
    auto got = against({reply(503, "Retry-After: 60\r\n", "busy"), reply(200)}, u.within(5s));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 503);
    EXPECT_LT(steady::now() - begun, 4s);
}

TEST_F(pipeline_test, failures_count_the_tries_and_name_the_peer) {
    const auto port = dead_port();
    const auto begun = steady::now();
    auto got = send({"127.0.0.1", port, false});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::unavailable);
    EXPECT_NE(got.error().message().find("4 tries"), std::string::npos) << got.error().message();
    EXPECT_NE(got.error().message().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
        << got.error().message();
    EXPECT_FALSE(got.error().advice().empty());
    EXPECT_LT(steady::now() - begun, 6s);
}

TEST_F(pipeline_test, an_endpoint_that_worked_before_gets_all_tries) {
    runtime threads;
    client c(threads, {});
    pipeline p(c, nullptr, options_);
    p.on_answer = [this](int status) { statuses_.push_back(status); };
    auto go = [](pipeline& line, endpoint e) -> task<result<int>> {
        const auto r = make_request(verb::get, "/");
        auto x = co_await line.send(e, r, body::none(), {});
        if (!x) co_return x.error();
        co_return x->head().status;
    };
    endpoint to;
    {
        raw_server peer([](int fd, int) {
            read_head(fd);
            send_text(fd, "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n");
        });
        to = peer.where();
        ASSERT_TRUE(threads.run(go(p, to)));
    }
    ASSERT_FALSE(threads.run(go(p, to)));
    EXPECT_EQ(statuses_, (std::vector<int>{204, 0, 0, 0, 0, 0, 0}));
    threads.run(c.close());
}

TEST_F(pipeline_test, a_silent_peer_costs_one_try_time_each) {
    options_.try_timeout = 60ms;
    options_.retry.max_tries = 2;
    std::atomic<bool> done{false};
    raw_server peer([&](int, int) {
        while (!done) std::this_thread::yield();
    });
    auto got = send(peer.where());
    done = true;
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::timeout);
    EXPECT_EQ(statuses_, (std::vector<int>{0, 0}));
}

/// Lets everything in, the second way in every other time.
struct counting_admission final : admission {
    std::atomic<int> entered{0}, waited{0};
    std::mutex mutex;
    std::vector<report> left;
    bool try_enter(std::uint64_t, steady::time_point) override {
        if (++entered % 2 == 0) return false;
        return true;
    }
    task<result<void>> enter(std::uint64_t, until u) override {
        ++waited;
        if (auto ok = u.check(); !ok) co_return ok.error();
        co_return result<void>();
    }
    void leave(const report& r) override {
        std::lock_guard lock(mutex);
        left.push_back(r);
    }
    steady::duration repeat(std::uint64_t, steady::duration) override { return never; }
};

TEST_F(pipeline_test, each_try_is_admitted_and_leaves_when_its_answer_is_read) {
    auto gate = std::make_shared<counting_admission>();
    options_.admission = gate;
    auto got = against({reply(503, "Retry-After: 0\r\n", "busy"), reply(500), reply(200, "", "fine")});
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(gate->entered, 3);
    EXPECT_EQ(gate->waited, 1);
    ASSERT_EQ(gate->left.size(), 3u);
    EXPECT_EQ(gate->left[0].status, 503);
    EXPECT_EQ(gate->left[0].retry_after, steady::duration());
    EXPECT_EQ(gate->left[1].status, 500);
    EXPECT_EQ(gate->left[2].status, 200);
    EXPECT_EQ(gate->left[2].expected, 4u);
    EXPECT_EQ(gate->left[2].bytes, 8u);
    EXPECT_GE(gate->left[2].ended, gate->left[2].begun);
}

TEST_F(pipeline_test, an_answer_in_hand_is_under_way_until_it_is_read_or_dropped) {
    auto gate = std::make_shared<counting_admission>();
    options_.admission = gate;
    raw_server peer([](int fd, int) {
        while (!read_head(fd).empty()) send_text(fd, reply(200, "", "0123456789"));
    });
    runtime threads({.loops = 1});
    client c(threads, {});
    pipeline p(c, nullptr, options_);
    auto go = [&]() -> task<void> {
        auto r = make_request(verb::get, "/");
        r.answer_bytes = 10;
        for (const bool read : {true, false}) {
            const auto before = gate->left.size();
            auto x = co_await p.send(peer.where(), r, body::none(), {});
            EXPECT_TRUE(x);
            if (!x) co_return;
            EXPECT_EQ(gate->left.size(), before);
            if (read) {
                (void)co_await x->read_all(100, {});
                EXPECT_EQ(gate->left.size(), before + 1);
                EXPECT_EQ(gate->left.back().bytes, 10u);
                EXPECT_EQ(gate->left.back().expected, 10u);
            }
        }
        EXPECT_EQ(gate->left.size(), 2u);
    };
    threads.run(go());
    threads.run(c.close());
}

TEST_F(pipeline_test, who_is_not_admitted_is_not_sent) {
    struct closed final : admission {
        bool try_enter(std::uint64_t, steady::time_point) override { return false; }
        task<result<void>> enter(std::uint64_t, until) override { co_return error(kind::stopped, "no"); }
        void leave(const report&) override { ADD_FAILURE(); }
        steady::duration repeat(std::uint64_t, steady::duration) override { return never; }
    };
    options_.admission = std::make_shared<closed>();
    auto got = against({reply(200)});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::stopped);
    EXPECT_TRUE(heads_.empty());
}

TEST_F(pipeline_test, a_stop_ends_the_wait_between_tries) {
    stop_source stop;
    until u;
    u.stop = stop.token();
    options_.retry.first_delay = options_.retry.max_delay = 60s;
    raw_server peer([&](int fd, int) {
        read_head(fd);
        send_text(fd, reply(503));
        stop.request();
        read_to_end(fd);
    });
    auto got = send(peer.where(), u);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), kind::stopped);
}

TEST_F(pipeline_test, each_try_is_signed_anew) {
    signer_ = std::make_shared<counting_authorizer>();
    ASSERT_TRUE(against({reply(503), reply(503), reply(200)}));
    EXPECT_EQ(signer_->signatures, 3);
    for (const auto& h : heads_) {
        EXPECT_EQ(h.find("Authorization: old"), h.rfind("Authorization:")) << h;
        EXPECT_NE(h.find("X-Length: 4"), std::string::npos);
        EXPECT_NE(h.find("x-one: 1"), std::string::npos);
    }
}

TEST_F(pipeline_test, a_refused_credential_is_refreshed_once) {
    signer_ = std::make_shared<counting_authorizer>();
    auto got = against({reply(401), reply(200)});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_NE(heads_.back().find("Authorization: new"), std::string::npos);
    got = against({reply(401), reply(401), reply(200)});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 401);
    EXPECT_EQ(signer_->refreshes, 2);
    signer_->can_refresh = false;
    got = against({reply(401), reply(200)});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 401);
}

TEST_F(pipeline_test, a_refusal_of_something_else_leaves_the_credential_as_it_is) {
    signer_ = std::make_shared<counting_authorizer>();
    options_.final_answer = [](const response_head& head) { return head.status == 401; };
    auto got = against({reply(401), reply(200)});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 401);
    EXPECT_EQ(signer_->refreshes, 0);
}

TEST_F(pipeline_test, logs_each_try_without_secrets) {
    std::mutex mutex;
    std::vector<std::string> lines;
    log::set_sink([&](log::level, std::string_view line) {
        std::lock_guard lock(mutex);
        lines.emplace_back(line);
    });
    log::set_level(log::level::debug);
    ASSERT_TRUE(against({reply(503), reply(200)}));
    log::set_level(log::level::warning);
    log::set_sink({});
    std::lock_guard lock(mutex);
    // Before them stands that a connection was made.
    std::erase_if(lines, [](const std::string& l) { return l.find("connected to") != std::string::npos; });
    ASSERT_GE(lines.size(), 2u);
    EXPECT_NE(lines[0].find("PUT"), std::string::npos);
    EXPECT_NE(lines[0].find("503"), std::string::npos);
    EXPECT_EQ(lines[0].find("secret"), std::string::npos) << lines[0];
}

TEST(retry_after_test, reads_all_forms) {
    const auto at = *parse_http_date("Fri, 26 Jun 2015 23:39:12 GMT");
    const auto of = [&](const char* name, const char* value) {
        fields f;
        f.add(name, value);
        return retry_after(f, at);
    };
    EXPECT_EQ(of("Retry-After", "7"), std::optional<steady::duration>(7s));
    EXPECT_EQ(of("retry-after-ms", "250"), std::optional<steady::duration>(250ms));
    EXPECT_EQ(of("x-ms-retry-after-ms", "1500"), std::optional<steady::duration>(1500ms));
    EXPECT_EQ(of("Retry-After", "Fri, 26 Jun 2015 23:39:42 GMT"), std::optional<steady::duration>(30s));
    EXPECT_EQ(of("Retry-After", "Fri, 26 Jun 2015 23:00:00 GMT"), std::optional<steady::duration>(0s));
    EXPECT_EQ(of("Retry-After", "100000"), std::optional<steady::duration>(5min));
    EXPECT_EQ(of("Retry-After", "999999999999999999999"), std::nullopt);
    EXPECT_EQ(of("Retry-After", "soon"), std::nullopt);
    EXPECT_EQ(of("Other", "7"), std::nullopt);
}

}  // namespace
}  // namespace act::http::test
