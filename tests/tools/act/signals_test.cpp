#include "tools/act/signals.hpp"

#include <csignal>
#include <unistd.h>

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"

namespace act::cli {
namespace {

task<result<void>> wait_for_stop(stop_token stop) {
    event never;
    co_return co_await never.wait({.stop = stop});
}

TEST(signals, the_first_one_requests_a_stop) {
    for (int number : {SIGINT, SIGTERM}) {
        runtime loops({.loops = 1, .blocking_threads = 1});
        stop_source stop;
        signal_watch watch(stop);
        ::raise(number);
        auto ended = loops.run(wait_for_stop(stop.token()));
        ASSERT_FALSE(ended.has_value());
        EXPECT_EQ(ended.error().kind(), kind::stopped);
    }
}

TEST(signals, the_second_one_ends_the_process_at_once) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(
        {
            stop_source stop;
            signal_watch watch(stop);
            ::raise(SIGINT);
            ::raise(SIGTERM);
        },
        testing::ExitedWithCode(130), "");
}

TEST(signals, the_second_one_says_what_is_left_behind) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    EXPECT_EXIT(
        {
            stop_source stop;
            signal_watch watch(stop);
            set_last_words("never this\n");
            set_last_words("left behind: a folder\n");
            ::raise(SIGINT);
            ::raise(SIGINT);
        },
        testing::ExitedWithCode(130), "^left behind: a folder\n$");
}

TEST(signals, a_closed_pipe_is_an_error_and_children_start_with_defaults) {
    stop_source stop;
    {
        signal_watch watch(stop);
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        ::close(ends[0]);
        EXPECT_EQ(::write(ends[1], "x", 1), -1);
        ::close(ends[1]);
        struct sigaction now {};
        ::sigaction(SIGPIPE, nullptr, &now);
        EXPECT_NE(now.sa_handler, SIG_IGN) << "it would be inherited over exec";
    }
    struct sigaction after {};
    ::sigaction(SIGINT, nullptr, &after);
    EXPECT_EQ(after.sa_handler, SIG_DFL);
    EXPECT_FALSE(stop.requested());
}

}  // namespace
}  // namespace act::cli
