#include "engine/file/program.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.hpp"

namespace act::file {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

program_output run(std::vector<std::string> command, program_options options = {}) {
    auto done = run_program(command, options, until{}.within(60s));
    EXPECT_TRUE(done) << done.error().describe();
    return done ? *done : program_output{};
}

TEST(program, both_outputs_and_the_code_come_back) {
    auto done = run({"sh", "-c", "echo out; echo err >&2; read x; echo \"<$x>\"; exit 3"});
    EXPECT_EQ(done.out, "out\n<>\n");
    EXPECT_EQ(done.err, "err\n");
    EXPECT_EQ(done.code, 3);
    EXPECT_EQ(run({"sh", "-c", "kill -9 $$"}).code, 137);
    EXPECT_EQ(run({"sh", "-c", "exec >&- 2>&-; exit 4"}).code, 4);
    EXPECT_EQ(run({"printf", "%s|", "a b", "", "$HOME", "'"}).out, "a b||$HOME|'|");
}

TEST(program, it_has_the_environment_that_was_given) {
    program_options options;
    options.environment = {{"A", "one two"}, {"B", ""}};
    EXPECT_EQ(run({"env"}, options).out, "A=one two\nB=\n");
}

TEST(program, what_is_not_there_or_says_too_much_is_told) {
    auto none = run_program({"no-such-program-here"}, {}, {});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind(), kind::not_found);
    program_options options;
    options.largest_output = 100;
    auto much = run_program({"sh", "-c", "while :; do echo more; done"}, options, {});
    ASSERT_FALSE(much);
    EXPECT_EQ(much.error().kind(), kind::protocol);
}

TEST(program, what_it_leaves_in_the_background_is_not_waited_for) {
    const temporary_folder folder;
    const std::string fifo = folder / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    auto done = run({"sh", "-c", "read x < " + fifo + " & echo out; echo err >&2; exit 3"});
    EXPECT_EQ(done.out, "out\n");
    EXPECT_EQ(done.err, "err\n");
    EXPECT_EQ(done.code, 3);
    // Opening it waits for the one that was left, which ends then.
    if (done.code == 3) std::ofstream{fifo};
}

TEST(program, a_deadline_or_a_stop_ends_it_with_all_that_it_started) {
    auto late = run_program({"sh", "-c", "sleep 1000 & sleep 1000"}, {}, until{}.within(50ms));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind(), kind::timeout);
    EXPECT_THAT(late.error().message(), HasSubstr("`sh` did not end in time"));
    stop_source stop;
    stop.request();
    auto stopped = run_program({"sleep", "1000"}, {}, until{stop.token()});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind(), kind::stopped);
}

}  // namespace
}  // namespace act::file
