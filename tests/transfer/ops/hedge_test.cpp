// Answers that never come, from a store that imitates them: slow requests are sent once more, beside
// themselves.
#include "tools/store/network.hpp"
#include "transfer/mover/gate.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

using namespace std::chrono_literals;

// A store that is stopped waits for its answers.
constexpr auto stall = 12s;
constexpr auto soon = 10s;

/// A plan that stalls `count` of the requests with numbers from `from` to `to`, and none of the
/// others.
store::network_model stalls(unsigned from, unsigned to, unsigned count) {
    store::network_model model;
    model.faults.stall = 0.03;
    model.faults.stall_time = stall;
    for (model.faults.seed = 1;; ++model.faults.seed) {
        store::network draws(model);
        unsigned inside = 0, outside = 0;
        for (unsigned i = 1; i <= to + 60; ++i) {
            if (draws.next(false).form == store::misfortune::stall)
                ++(i >= from && i <= to ? inside : outside);
        }
        if (inside == count && outside == 0) return model;
    }
}

class hedge_test : public ops_test {
protected:
    void SetUp() override {
        ops_test::SetUp();
        hedging(true);
    }

    /// A client as the command line makes it.
    void hedging(bool on) {
        blob::account account{store::emulator_account, *parse_uri(server->endpoint())};
        auto credential = auth::shared_key(account.name, secret(store::emulator_key));
        http::pipeline_options how;
        how.admission = std::make_shared<gate>(account.name, controller::options{}, nullptr, on);
        hedged_.reset();
        hedged_ = std::make_unique<blob::client>(clients.front()->transport, std::move(account), *credential,
                                                 std::move(how));
        client = hedged_.get();
    }
    /// The same store again, on the same port, with faults from now on.
    void restart_with(store::network_model model) {
        store::options o;
        o.root = scratch / "store";
        o.listen = "127.0.0.1:" + std::to_string(server->port());
        rt.run(server->stop());
        o.network = model;
        server.reset();
        server.emplace(rt, o);
        ASSERT_TRUE(server->start());
        stats().hedged = 0;
    }
    void TearDown() override {
        hedged_.reset();
        ops_test::TearDown();
    }
    std::unique_ptr<blob::client> hedged_;
};

TEST_F(hedge_test, a_download_is_not_held_up_by_answers_that_stall) {
    for (int i = 0; i < 100; ++i) write_file(scratch / "tree/" + std::to_string(i), random_bytes(3000, i));
    ASSERT_TRUE(up(scratch / "tree", "tree"));
    restart_with(stalls(15, 90, 3));
    const auto begun = steady::now();
    auto got = down("tree", scratch / "back");
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->files, 100u);
    EXPECT_EQ(got->failed, 0u);
    EXPECT_LT(steady::now() - begun, soon);
    EXPECT_GE(stats().hedged, 3u);
    EXPECT_LE(stats().hedged, 6u);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(read_file(scratch / "back/" + std::to_string(i)), random_bytes(3000, i)) << i;
}

TEST_F(hedge_test, parts_of_a_large_blob_and_of_a_stream_are_sent_for_once_more) {
    const std::string content = random_bytes(5 * MiB, 7);
    write_file(scratch / "large", content);
    upload_options o;
    o.block_size = 128 * KiB;
    ASSERT_TRUE(up(scratch / "large", "large", o));
    restart_with(stalls(10, 35, 2));
    const auto begun = steady::now();
    auto got = down("large", scratch / "back");
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_LT(steady::now() - begun, soon);
    EXPECT_GE(stats().hedged, 2u);
    EXPECT_TRUE(read_file(scratch / "back") == content);
    // All of it is given back.
    EXPECT_EQ(buffers.in_use(), 0u);
}

TEST_F(hedge_test, blocks_are_sent_once_more) {
    const std::string content = random_bytes(5 * MiB, 8);
    write_file(scratch / "large", content);
    upload_options o;
    o.block_size = 128 * KiB;
    ASSERT_TRUE(up(scratch / "large", "warm", o));
    restart_with(stalls(10, 35, 2));
    const auto begun = steady::now();
    auto sent = up(scratch / "large", "large", o);
    ASSERT_TRUE(sent) << sent.error().message();
    EXPECT_LT(steady::now() - begun, soon);
    EXPECT_GE(stats().hedged, 2u);
    restart_with({});
    ASSERT_TRUE(down("large", scratch / "back"));
    EXPECT_TRUE(read_file(scratch / "back") == content);
}

TEST_F(hedge_test, pages_of_a_listing_are_asked_for_once_more) {
    write_file(scratch / "one", "1");
    ASSERT_TRUE(up(scratch / "one", "one"));
    restart_with(stalls(10, 20, 1));
    const auto begun = steady::now();
    for (int i = 0; i < 25; ++i) EXPECT_EQ(ls(""), std::vector<std::string>{"one"});
    EXPECT_LT(steady::now() - begun, soon);
    EXPECT_EQ(stats().hedged, 1u);
}

TEST_F(hedge_test, nothing_is_repeated_when_that_is_not_wanted) {
    for (int i = 0; i < 40; ++i) write_file(scratch / "tree/" + std::to_string(i), random_bytes(3000, i));
    ASSERT_TRUE(up(scratch / "tree", "tree"));
    hedging(false);
    auto model = stalls(15, 35, 1);
    model.faults.stall_time = 1500ms;
    restart_with(model);
    const auto begun = steady::now();
    auto got = down("tree", scratch / "back");
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_GE(steady::now() - begun, 1500ms);
    EXPECT_EQ(stats().hedged, 0u);
}

}  // namespace
}  // namespace act::ops
