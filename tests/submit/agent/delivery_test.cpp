#include "submit/agent/delivery.hpp"

#include <csignal>
#include <fstream>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_run.hpp"
#include "engine/file/file.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/tree.hpp"

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
    pid_t start_from(pid_t starter, const agent::spec& s) {
        return start(s, {}, "deliver-meanwhile", std::to_string(starter));
    }
    /// `act agent end-meanwhile`, from the process that calls this.
    static pid_t ended_by_agent(pid_t pid) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::execl("/proc/self/exe", "act", "agent", "end-meanwhile", std::to_string(pid).c_str(), nullptr);
            ::_exit(99);
        }
        return child;
    }
    static bool lives(const std::string& pid) { return agent::process_started(std::stol(pid)).has_value(); }
};

TEST_F(agent_deliver_meanwhile, goes_on_until_it_is_asked_to_end) {
    const pid_t agent = start_from(::getpid(), spec_that("cat /proc/self/oom_score_adj > \"$0\""));
    // Where memory is short, it is not the command that ends.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(turn(), "1000");
    ::kill(agent, SIGTERM);
    EXPECT_EQ(wait_for(agent), 0);
}

TEST_F(agent_deliver_meanwhile, what_is_at_work_and_does_not_end_is_killed) {
    const pid_t agent = start_from(
        ::getpid(), spec_that("trap '' TERM; echo $$ > \"$0\"; while :; do read x < \"$1\"; done"));
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
        (void)start_from(::getpid(), s);
        for (;;) ::pause();
    }
    const pid_t agent = static_cast<pid_t>(std::stol(turn()));
    ::kill(script, SIGKILL);
    EXPECT_EQ(wait_for(script), 128 + SIGKILL);
    EXPECT_EQ(wait_for(agent), 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(agent_deliver_meanwhile, does_not_begin_when_the_script_has_ended_before) {
    // It would end the agent.
    const auto s = spec_that("kill -KILL $PPID");
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    EXPECT_EQ(wait_for(gone), 0);
    EXPECT_EQ(wait_for(start_from(gone, s)), 0);
}

TEST_F(agent_deliver_meanwhile, is_ended_by_its_script_and_by_nobody_else) {
    auto waits = [] {
        const pid_t child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) ::pause();
        }
        return child;
    };
    auto ends = [](pid_t pid) { return wait_for(ended_by_agent(pid)); };
    const pid_t other = waits();
    const pid_t script = ::fork();
    if (script == 0) {
        const pid_t mine = waits();
        bool well = ends(other) == 0 && ends(mine) == 0 && wait_for(mine) == 128 + SIGTERM;
        ::_exit(well && ends(mine) == 0 ? 0 : 1);
    }
    EXPECT_EQ(wait_for(script), 0);
    EXPECT_TRUE(lives(std::to_string(other)));
    ::kill(other, SIGKILL);
    EXPECT_EQ(wait_for(other), 128 + SIGKILL);
}

TEST_F(agent_deliver_meanwhile, what_cannot_be_killed_is_left_behind) {
    const pid_t agent = ::fork();
    if (agent == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // It inherits the blocked SIGTERM, and SIGKILL is an hour away.
        const sigset_t signals = agent::block_signals();
        const pid_t me = ::getpid();
        if (::fork() == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (::getppid() == me) ::pause();
            ::_exit(0);
        }
        agent::end_descendants(signals, std::chrono::hours(1), steady::now() + std::chrono::milliseconds(1));
        ::_exit(0);
    }
    EXPECT_EQ(wait_for(agent), 0);
}

TEST_F(agent_deliver_meanwhile, rests_after_its_end_the_longer_the_more_it_had_to_do) {
    using std::chrono::seconds;
    auto s = spec_that("exit 0");
    s.delivery_seconds = 30;
    agent::recurring_delivery work(s);
    auto at = work.due();
    auto turn = [&](seconds took) {
        work.begin_due(at);
        EXPECT_EQ(work.due(), agent::never);
        int status = 0;
        work.ended(::waitpid(-1, &status, 0), at + took);
        at += took;
        const auto rest = work.due() - at;
        at += rest;
        return rest;
    };
    EXPECT_EQ(turn(seconds(2)), seconds(30));
    EXPECT_EQ(turn(seconds(100)), seconds(400));
    EXPECT_EQ(turn(seconds(5)), seconds(30));
    work.begin_due(at - seconds(1));
    EXPECT_EQ(work.due(), at) << "too early";
    work.stop();
    EXPECT_EQ(work.due(), agent::never);
}

TEST_F(agent_deliver_meanwhile, what_has_not_changed_is_not_copied_again) {
    auto s = spec_that("");
    s.deliveries = {{work_ / "from", {"true"}, work_ / "copy"}};
    auto turn = [&] { return wait_for(agent::start_delivery(s, s.deliveries[0])); };
    auto inode = [&](const std::string& name) { return file::stat_of(work_ / ("copy/" + name))->inode; };
    for (const char* name : {"same", "grows", "goes", "below/turns"})
        work_.write(std::string("from/") + name, "1");
    ASSERT_EQ(turn(), 0);
    const auto same = inode("same"), grows = inode("grows");
    work_.write("from/grows", "12");
    work_.write("copy/.act-x.tmp", "half");
    std::filesystem::remove(work_ / "from/goes");
    std::filesystem::remove_all(work_ / "from/below");
    work_.write("from/below", "a file now");
    work_.write("from/delivery.txt", "its own");
    ASSERT_EQ(turn(), 0) << work_.read("work/logs/delivery.txt");
    EXPECT_EQ(inode("same"), same);
    EXPECT_NE(inode("grows"), grows);
    EXPECT_EQ(work_.read("copy/grows"), "12");
    EXPECT_EQ(work_.read("copy/below"), "a file now");
    for (const char* name : {"goes", ".act-x.tmp", "delivery.txt"})
        EXPECT_FALSE(work_.has(std::string("copy/") + name));
}

}  // namespace
}  // namespace act::testing
