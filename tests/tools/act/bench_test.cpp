// What `act bench` decides by, without measuring anything.

#include <gmock/gmock.h>

#include "tool.hpp"
#include "tools/act/bench_place.hpp"
#include "tools/act/bench_rows.hpp"
#include "tools/act/limiting_factor.hpp"
#include "tools/act/meters.hpp"

namespace act::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// 1 GiB in 10 s on 4 cores, 128 requests of 8 MiB, 32 in flight: nothing here is used up.
trace quiet() {
    trace t;
    t.seconds = 10;
    t.objects = 1, t.bytes = 1ull << 30;
    t.cores = 4;
    t.client_cpu = 2, t.client_thread_cpu = 0.6, t.machine_cpu = 4;
    t.requests = 128, t.request_seconds = 320, t.most_in_flight = 256;
    t.file_rate = 2e9;
    return t;
}

std::string evidence(const trace& t, factor expected) {
    const finding f = limiting_factor(t);
    EXPECT_EQ(f.factor, expected) << to_string(f.factor) << ": " << f.evidence;
    return f.evidence;
}

TEST(limiting_factor, is_the_network_when_nothing_else_is_used_up) {
    EXPECT_THAT(evidence(quiet(), factor::network), HasSubstr("32 requests in flight, 3.2 MiB/s each"));
}

TEST(limiting_factor, refusals_come_before_everything_else) {
    trace t = quiet();
    t.refused = 1;
    evidence(t, factor::network);
    t.refused = 12;
    t.client_cpu = 39;
    EXPECT_THAT(evidence(t, factor::service_limit), HasSubstr("12 of 128 requests"));
}

TEST(limiting_factor, cpu_of_the_client_of_the_machine_and_of_one_thread) {
    trace t = quiet();
    t.client_cpu = 35, t.machine_cpu = 39;
    EXPECT_THAT(evidence(t, factor::client_cpu), HasSubstr("3.5 of 4 cores"));
    t.client_cpu = 14, t.server_cpu = 20, t.machine_cpu = 36;
    EXPECT_THAT(evidence(t, factor::machine_cpu), HasSubstr("this client used 1.4, the store 2.0"));
    t.machine_cpu = 39;
    t.server_cpu = 0;
    EXPECT_THAT(evidence(t, factor::machine_cpu), HasSubstr("used 1.4, other processes 2.5"));
    t = quiet();
    t.client_cpu = 9.5, t.client_thread_cpu = 9.3;
    EXPECT_THAT(evidence(t, factor::one_thread), HasSubstr("93%"));
}

TEST(limiting_factor, memory_and_disks) {
    trace t = quiet();
    t.memory_full = 0.9;
    EXPECT_THAT(evidence(t, factor::memory_budget), HasSubstr("90% of the time"));
    t = quiet();
    t.disk_wait = 4;
    EXPECT_THAT(evidence(t, factor::disk), HasSubstr("4.0 s of 10.0 s"));
    t = quiet();
    t.file_rate = 120e6;
    evidence(t, factor::local_file);
    // Not for what has no file.
    t.file_rate = 0;
    evidence(t, factor::network);
}

TEST(limiting_factor, too_few_requests) {
    trace t = quiet();
    t.one_at_a_time = true;
    t.requests = 200, t.request_seconds = 9.8, t.bytes = 200'000;
    t.machine_cpu = 40;
    EXPECT_THAT(evidence(t, factor::latency), HasSubstr("49.0 ms each"));
    t = quiet();
    t.request_seconds = 9.5;
    EXPECT_THAT(evidence(t, factor::connection), HasSubstr("0.9 requests in flight"));
    t.bytes = 0;
    evidence(t, factor::latency);
    t = quiet();
    t.most_in_flight = 32;
    EXPECT_THAT(evidence(t, factor::concurrency), HasSubstr("32 of at most 32"));
}

TEST(limiting_factor, nothing_at_all_is_no_crash) { limiting_factor(trace{}); }

TEST(time_histogram, shares_are_right_within_three_percent) {
    time_histogram h;
    EXPECT_EQ(h.at(0.5), 0);
    for (int i = 1; i <= 1000; ++i) h.add(std::chrono::microseconds(i * 100));
    EXPECT_NEAR(h.at(0.5), 50, 1.6);
    EXPECT_NEAR(h.at(0.99), 99, 3);
    EXPECT_NEAR(h.at(0), 0.1, 0.004);
    EXPECT_NEAR(h.at(1), 100, 3.2);
    time_histogram odd;
    odd.add(0ns);
    odd.add(steady::duration::max());
    EXPECT_GT(odd.at(1), 1e9);
}

TEST(bench_sizes, shrink_to_what_there_is_room_for) {
    bench_sizes s{.large = 1 << 30, .small_count = 10'000, .small_size = 4096};
    const bench_sizes wanted = s;
    EXPECT_FALSE(shrink_to(s, 4, 8ull << 30));
    EXPECT_EQ(s.large, wanted.large);
    EXPECT_TRUE(shrink_to(s, 4, 1ull << 30));
    EXPECT_LE(4 * s.files(), 1ull << 30);
    EXPECT_EQ(s.small_count, wanted.small_count) << "the large one gives way first";
    EXPECT_TRUE(shrink_to(s, 4, 10'000'000));
    EXPECT_LE(4 * s.files(), 10'000'000u);
    EXPECT_TRUE(shrink_to(s, 4, 0)) << "and ends";
}

TEST(bench_rows, are_chosen_by_name_or_part_of_it) {
    EXPECT_EQ(chosen_rows("")->size(), bench_rows().size());
    EXPECT_THAT(*chosen_rows("large"), ElementsAre("copy-large", "download-large", "upload-large"));
    EXPECT_THAT(*chosen_rows("put,get,list"), ElementsAre("get", "list", "put"));
    EXPECT_THAT(*chosen_rows("copy-small"), ElementsAre("copy-small"));
    for (const char* wrong : {"larg", "put,,get", "-", "put,everything"}) {
        auto none = chosen_rows(wrong);
        ASSERT_FALSE(none) << wrong;
        EXPECT_EQ(none.error().kind(), kind::usage);
    }
}

TEST(noise, neither_repeats_nor_compresses_much) {
    scratch_folder folder;
    ASSERT_TRUE(write_noise(folder.at("a"), 3'000'001, 1));
    ASSERT_TRUE(write_noise(folder.at("b"), 3'000'001, 2));
    const std::string a = read_file(folder.at("a"));
    EXPECT_EQ(a.size(), 3'000'001u);
    EXPECT_NE(a, read_file(folder.at("b")));
    EXPECT_NE(a.substr(0, 1 << 20), a.substr(1 << 20, 1 << 20));
    EXPECT_EQ(std::set<char>(a.begin(), a.end()).size(), 256u);
}

}  // namespace
}  // namespace act::cli
