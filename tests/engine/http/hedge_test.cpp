// A slow request is sent once more beside itself: the mechanism, with a policy that is told what to say.
#include "engine/http/hedge.hpp"

#include <condition_variable>
#include <mutex>
#include <set>

#include <gtest/gtest.h>

#include "tests/engine/http/support.hpp"

namespace act::http::test {
namespace {

using namespace std::chrono_literals;

/// Admits everything; repeats when told so.
class fake_admission final : public admission {
public:
    bool try_enter(std::uint64_t, steady::time_point) override { return true; }
    task<result<void>> enter(std::uint64_t, until) override { co_return result<void>(); }
    void leave(const report& r) override {
        ++left;
        if (r.status == 0) ++unanswered;
    }
    steady::duration repeat(std::uint64_t bytes, steady::duration) override {
        ++asked;
        last_bytes = bytes;
        if (not_yet > 0) return --not_yet, 1ms;
        return allow ? steady::duration() : never;
    }
    std::atomic<int> left{0}, unanswered{0}, asked{0}, not_yet{0};
    std::atomic<std::uint64_t> last_bytes{0};
    std::atomic<bool> allow{true};
};

/// Answers a connection when its number is let go.
class patient_server {
public:
    patient_server()
        : server_([this](int fd, int number) {
              if (read_head(fd).empty()) return;
              {
                  std::unique_lock lock(mutex_);
                  ++arrived_;
                  changed_.notify_all();
                  changed_.wait(lock, [&] { return let_go_.contains(number) || over_; });
                  if (over_) return;
              }
              send_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n" +
                                std::to_string(number));
          }) {}
    ~patient_server() {
        std::lock_guard lock(mutex_);
        over_ = true;
        changed_.notify_all();
    }
    void let_go(int number) {
        std::lock_guard lock(mutex_);
        let_go_.insert(number);
        changed_.notify_all();
    }
    void await_arrivals(int n) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return arrived_ >= n; });
    }
    endpoint where() const { return server_.where(); }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<int> let_go_;
    int arrived_ = 0;
    bool over_ = false;
    raw_server server_;
};

class hedge_test : public testing::Test {
protected:
    hedge_test() : client_(threads_, {}) {
        pipeline_options o;
        o.admission = gate_;
        line_ = std::make_unique<pipeline>(client_, nullptr, o);
    }
    ~hedge_test() override { threads_.run(client_.close()); }

    struct outcome {
        result<void> how;
        bool by_second = false;
        std::string first, second;
    };
    task<outcome> both(endpoint to, until u) {
        outcome out;
        auto one = [&](std::string& into, until w) -> task<result<void>> {
            const auto r = make_request(verb::get, "/");
            ACT_CO_TRY(exchange x, co_await line_->send(to, r, body::none(), w));
            ACT_CO_TRY(into, co_await x.read_all(100, w));
            co_return result<void>();
        };
        auto first = [&](until w) { return one(out.first, std::move(w)); };
        auto again = [&](until w) { return one(out.second, std::move(w)); };
        out.how = co_await hedged(*line_, 77, first, again, std::move(u), &out.by_second);
        co_return out;
    }

    static runtime_options one_loop() {
        runtime_options o;
        o.loops = 1;
        return o;
    }
    runtime threads_{one_loop()};
    client client_;
    std::shared_ptr<fake_admission> gate_ = std::make_shared<fake_admission>();
    std::unique_ptr<pipeline> line_;
};

TEST_F(hedge_test, a_quick_request_is_sent_once) {
    patient_server peer;
    peer.let_go(0);
    auto got = threads_.run(both(peer.where(), {}));
    ASSERT_TRUE(got.how) << got.how.error().message();
    EXPECT_FALSE(got.by_second);
    EXPECT_EQ(gate_->asked, 0);
    EXPECT_EQ(client_.stats().requests, 1u);
    EXPECT_EQ(client_.stats().hedged, 0u);
}

TEST_F(hedge_test, the_repetition_answers_for_one_that_stalls) {
    patient_server peer;
    peer.let_go(1);
    auto got = threads_.run(both(peer.where(), {}));
    ASSERT_TRUE(got.how) << got.how.error().message();
    EXPECT_TRUE(got.by_second);
    EXPECT_EQ(got.second, "1");
    EXPECT_EQ(got.first, "");
    EXPECT_EQ(client_.stats().hedged, 1u);
    EXPECT_EQ(client_.stats().requests, 2u);
    EXPECT_EQ(gate_->last_bytes, 77u);
    EXPECT_EQ(gate_->left, 2) << "the one that was stopped is no longer under way";
    EXPECT_EQ(gate_->unanswered, 1);
}

TEST_F(hedge_test, the_first_may_still_win) {
    patient_server peer;
    std::thread late([&] {
        peer.await_arrivals(2);
        peer.let_go(0);
    });
    auto got = threads_.run(both(peer.where(), {}));
    late.join();
    ASSERT_TRUE(got.how) << got.how.error().message();
    EXPECT_FALSE(got.by_second);
    EXPECT_EQ(got.first, "0");
    EXPECT_EQ(client_.stats().hedged, 1u);
    EXPECT_EQ(gate_->left, 2);
}

TEST_F(hedge_test, who_is_told_to_wait_asks_again_and_who_is_told_never_does_not) {
    {
        patient_server peer;
        peer.let_go(1);
        gate_->not_yet = 2;
        auto got = threads_.run(both(peer.where(), {}));
        EXPECT_TRUE(got.how && got.by_second);
        EXPECT_EQ(gate_->asked, 3);
    }
    patient_server peer;
    gate_->allow = false;
    gate_->asked = 0;
    std::thread late([&] {
        while (gate_->asked == 0) std::this_thread::yield();
        peer.let_go(0);
    });
    auto got = threads_.run(both(peer.where(), {}));
    late.join();
    ASSERT_TRUE(got.how);
    EXPECT_FALSE(got.by_second);
    EXPECT_EQ(client_.stats().hedged, 1u);
}

TEST_F(hedge_test, a_stop_ends_both) {
    patient_server peer;
    stop_source stop;
    std::thread later([&] {
        peer.await_arrivals(2);
        stop.request();
    });
    until u;
    u.stop = stop.token();
    auto got = threads_.run(both(peer.where(), u));
    later.join();
    ASSERT_FALSE(got.how);
    EXPECT_EQ(got.how.error().kind(), kind::stopped);
    EXPECT_EQ(gate_->left, 2);
}

}  // namespace
}  // namespace act::http::test
