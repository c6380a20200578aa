#include <csignal>
#include <fstream>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_run.hpp"
#include "submit/agent/supervise.hpp"

namespace act::testing {
namespace {

/// `act agent deliver-meanwhile`, as a job's script starts it.
class agent_deliver_meanwhile : public agent_run {
protected:
    /// One delivery; "$0" is read by turn(), "$1" never written to.
    agent::spec spec_that(const std::string& does) {
        EXPECT_EQ(::mkfifo((work_ / "turn").c_str(), 0600), 0);
        EXPECT_EQ(::mkfifo((work_ / "never").c_str(), 0600), 0);
        auto s = spec_of({"true"});
        std::filesystem::create_directories(s.logs);
        s.delivery_seconds = 1;
        s.deliveries = {{"a", {"sh", "-c", does, work_ / "turn", work_ / "never"}}};
        return s;
    }
    /// What the next turn says; the one before may not have closed its end yet.
    std::string turn() {
        std::string line;
        while (line.empty()) {
            std::ifstream in(work_ / "turn");
            std::getline(in, line);
        }
        return line;
    }
    static bool lives(const std::string& pid) { return agent::process_started(std::stol(pid)).has_value(); }
};

TEST_F(agent_deliver_meanwhile, goes_on_until_it_is_asked_to_end) {
    const pid_t agent = start(spec_that("cat /proc/self/oom_score_adj > \"$0\""), {}, "deliver-meanwhile");
    // Where memory is short, it is not the command that ends.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(turn(), "1000");
    ::kill(agent, SIGTERM);
    EXPECT_EQ(wait_for(agent), 0);
}

TEST_F(agent_deliver_meanwhile, what_is_at_work_and_does_not_end_is_killed) {
    const pid_t agent = start(spec_that("trap '' TERM; echo $$ > \"$0\"; while :; do read x < \"$1\"; done"),
                              {}, "deliver-meanwhile");
    const std::string at_work = turn();
    ::kill(agent, SIGTERM);
    EXPECT_EQ(wait_for(agent), 0);
    EXPECT_FALSE(lives(at_work));
}

TEST_F(agent_deliver_meanwhile, ends_with_the_script_that_started_it) {
    // What the script leaves behind becomes this process's.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const auto s = spec_that("echo $PPID > \"$0\"; read x < \"$1\"");
    const pid_t script = ::fork();
    if (script == 0) {
        (void)start(s, {}, "deliver-meanwhile");
        for (;;) ::pause();
    }
    const pid_t agent = static_cast<pid_t>(std::stol(turn()));
    ::kill(script, SIGKILL);
    EXPECT_EQ(wait_for(script), 128 + SIGKILL);
    EXPECT_EQ(wait_for(agent), 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace act::testing
