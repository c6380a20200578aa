// The network and the faults that a store imitates. Times are lower bounds only.
#include "tools/store/network.hpp"

#include "fixture.hpp"

namespace act::store {
namespace {

using namespace std::chrono_literals;

class network_test : public store_test {
protected:
    void SetUp() override {
        store_test::SetUp();
        make_container("box");
    }
    void restart_with(const network_model& m) {
        network_ = m;
        restart();
    }
    template <class F>
    static steady::duration time_of(F f) {
        const auto begun = steady::now();
        f();
        return steady::now() - begun;
    }
    static network_model with_faults(const std::string& spec) {
        network_model m;
        const auto read = read_faults(m.faults, spec);
        EXPECT_TRUE(read) << read.error().describe();
        return m;
    }
};

TEST_F(network_test, no_answer_begins_before_the_latency) {
    network_model m;
    m.latency = 40ms;
    restart_with(m);
    EXPECT_GE(time_of([&] { EXPECT_EQ(put("/box/a", "x").status, 201); }), 40ms);
    EXPECT_GE(time_of([&] { EXPECT_EQ(send("GET", "/box/a").body, "x"); }), 40ms);
    EXPECT_GE(time_of([&] { EXPECT_EQ(send("GET", "/box/none").status, 404); }), 40ms);
    EXPECT_GE(time_of([&] { EXPECT_EQ(send("HEAD", "/box/a").status, 200); }), 40ms);
}

TEST_F(network_test, bodies_take_their_time_both_ways_and_arrive_whole) {
    network_model m;
    m.connection_rate = 4 * MiB;
    restart_with(m);
    const std::string large = noise(MiB), small = noise(20'000);
    // What passes at once after a rest is 80 KiB of it.
    EXPECT_GE(time_of([&] { EXPECT_EQ(put("/box/large", large).status, 201); }), 200ms);
    EXPECT_GE(time_of([&] { EXPECT_TRUE(send("GET", "/box/large").body == large); }), 200ms);
    EXPECT_EQ(put("/box/small", small).status, 201);
    EXPECT_TRUE(send("GET", "/box/small").body == small);
    // In several stretches.
    EXPECT_EQ(put_block("/box/blocks", "1", large).status, 201);
    EXPECT_EQ(put_block("/box/blocks", "2", small).status, 201);
    EXPECT_EQ(send("PUT", "/box/blocks?comp=blocklist", {},
                   "<BlockList><Latest>" + base64("1") + "</Latest><Latest>" + base64("2") +
                       "</Latest></BlockList>")
                  .status,
              201);
    EXPECT_TRUE(send("GET", "/box/blocks").body == large + small);
}

TEST_F(network_test, the_account_shares_its_bandwidth) {
    ASSERT_EQ(put("/box/half", noise(MiB / 2)).status, 201);
    network_model m;
    m.account_rate = 4 * MiB;
    restart_with(m);
    response one, other;
    const auto both = [&]() -> task<void> {
        task_group pair;
        pair.spawn(run_.at(0), exchange(*store_, "GET", "/box/half", {}, {}, true, one));
        pair.spawn(run_.at(1), exchange(*store_, "GET", "/box/half", {}, {}, true, other));
        co_await pair.join();
    };
    EXPECT_GE(time_of([&] { run_.run(both()); }), 200ms);
    EXPECT_TRUE(one.body == noise(MiB / 2) && other.body == one.body);
}

TEST(network_limit, lets_the_rate_pass_and_a_small_burst) {
    network_model m;
    m.limit = 500;
    network n(m);
    auto at = steady::now() + 1s;
    unsigned passed = 0;
    for (int i = 0; i < 1000; ++i) passed += n.within_limit(at);
    EXPECT_EQ(passed, 25u);
    passed = 0;
    for (int i = 0; i < 10'000; ++i) passed += n.within_limit(at += 100us);
    EXPECT_NEAR(passed, 500u, 1);
    n.set_limit(0);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(n.within_limit(at));
}

TEST_F(network_test, what_is_beyond_the_limit_is_told_to_wait) {
    network_model m;
    m.limit = 0.001;
    restart_with(m);
    EXPECT_EQ(put("/box/a", "x").status, 201);
    const std::string large = noise(20 * MiB);
    for (const std::string& body : {std::string("x"), large}) {
        const auto refused = put("/box/b", body);
        EXPECT_EQ(refused.status, 503);
        EXPECT_EQ(refused.code(), "ServerBusy");
        EXPECT_EQ(refused.headers.get("Retry-After"), "1");
        EXPECT_EQ(text_of(refused.body, "Code"), "ServerBusy");
    }
    EXPECT_EQ(send("GET", "/box/a").status, 503);
    restart_with({});
    EXPECT_EQ(send("GET", "/box/b").status, 404);
}

TEST_F(network_test, a_reset_may_come_before_or_after_the_deed) {
    restart_with(with_faults("reset=1"));
    for (int i = 0; i < 24; ++i) EXPECT_EQ(put(fmt::format("/box/{}", i), "x").status, 0);
    restart_with({});
    int done = 0;
    for (int i = 0; i < 24; ++i) done += send("GET", fmt::format("/box/{}", i)).status == 200;
    EXPECT_GT(done, 0);
    EXPECT_LT(done, 24);
}

TEST_F(network_test, errors_have_the_codes_of_the_service) {
    restart_with(with_faults("error500=1"));
    const auto broken = put("/box/a", "x");
    EXPECT_EQ(broken.status, 500);
    EXPECT_EQ(broken.code(), "InternalError");
    restart_with(with_faults("error503=1"));
    EXPECT_EQ(put("/box/b", "x").code(), "ServerBusy");
    restart_with({});
    EXPECT_EQ(send("GET", "/box/b").status, 404);
}

TEST_F(network_test, a_truncated_answer_is_never_whole) {
    for (std::size_t size : {10'000u, 2'000'000u}) {
        restart_with({});
        const std::string body = noise(size);
        ASSERT_EQ(put("/box/t", body).status, 201);
        restart_with(with_faults("truncate=1"));
        const auto got = send("GET", "/box/t");
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.headers.get("Content-Length"), std::to_string(size));
        EXPECT_THAT(got.body, testing::HasSubstr(fmt::format("after {} bytes", size / 2)));
        // Without a body there is nothing to cut.
        EXPECT_EQ(send("HEAD", "/box/t").status, 200);
    }
}

TEST_F(network_test, a_stall_ends) {
    restart_with(with_faults("stall=1:50ms"));
    EXPECT_GE(time_of([&] { EXPECT_EQ(put("/box/a", "x").status, 201); }), 50ms);
}

TEST_F(network_test, listings_fail_from_the_nth_on) {
    restart_with(with_faults("list=2"));
    const std::string list = "/box?restype=container&comp=list";
    EXPECT_EQ(send("GET", list).status, 200);
    EXPECT_EQ(send("GET", list).status, 500);
    EXPECT_EQ(send("GET", list).status, 500);
    EXPECT_EQ(put("/box/a", "x").status, 201);
    restart_with(with_faults("list=1:403"));
    EXPECT_EQ(send("GET", list).code(), "AuthorizationFailure");
    restart_with(with_faults("list=1:503"));
    EXPECT_EQ(send("GET", list).code(), "ServerBusy");
}

TEST(network_faults, the_same_seed_gives_the_same_fates_in_the_asked_shares) {
    network_model m;
    ASSERT_TRUE(read_faults(m.faults, "reset=0.1,error500=0.2,truncate=0.05"));
    m.faults.seed = 7;
    network a(m), b(m);
    m.faults.seed = 8;
    network c(m);
    std::map<int, int> seen;
    int different = 0;
    for (int i = 0; i < 10'000; ++i) {
        const misfortune x = a.next(false), y = b.next(false);
        EXPECT_EQ(x.form, y.form);
        EXPECT_EQ(x.before, y.before);
        different += x.form != c.next(false).form;
        ++seen[x.form];
    }
    EXPECT_NEAR(seen[misfortune::reset], 1000, 150);
    EXPECT_NEAR(seen[misfortune::error], 2000, 200);
    EXPECT_NEAR(seen[misfortune::truncate], 500, 120);
    EXPECT_EQ(seen[misfortune::stall], 0);
    EXPECT_GT(different, 1000);
}

TEST(network_words, are_read_or_refused_by_name) {
    fault_plan f;
    ASSERT_TRUE(read_faults(f, "reset=0.01,stall=0.001:5s,list=3:403"));
    EXPECT_EQ(f.reset, 0.01);
    EXPECT_EQ(f.stall_time, 5s);
    EXPECT_EQ(f.list_from, 3u);
    EXPECT_EQ(f.list_status, 403);
    for (const char* bad : {"", "reset", "reset=", "reset=2", "reset=-1", "reset=x", "reset=nan", "fire=1",
                            "list=0", "list=1:404", "stall=1:long", "reset=0.6,error500=0.6", "reset=0.1,"}) {
        fault_plan fresh;
        const auto read = read_faults(fresh, bad);
        EXPECT_FALSE(read) << bad;
        if (!read) EXPECT_FALSE(read.error().advice().empty());
    }
    network_model m;
    ASSERT_TRUE(read_bandwidth(m, "60MiB/s,200MiB/s:account"));
    EXPECT_EQ(m.connection_rate, 60.0 * MiB);
    EXPECT_EQ(m.account_rate, 200.0 * MiB);
    ASSERT_TRUE(read_bandwidth(m, "100Mbit/s:connection"));
    EXPECT_EQ(m.connection_rate, 12.5e6);
    for (const char* bad : {"", "fast", "0", "60MiB/s:disk", "1/s"})
        EXPECT_FALSE(read_bandwidth(m, bad)) << bad;
}

}  // namespace
}  // namespace act::store
