#include "submit/agent/supervise.hpp"

#include <csignal>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_run.hpp"
#include "engine/file/file.hpp"
#include "submit/runs/runs.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class agent_supervise : public agent_run {
protected:
    agent_supervise() : journal_(*runs::journal::open(work_ / "state")) {}

    runs::record supervised(agent::spec s) {
        runs::record r;
        r.command = s.command;
        r = *journal_.add(r);
        s.run = r.id;
        s.work = r.folder;
        s.logs = r.logs;
        EXPECT_TRUE(agent::write_spec(r.folder + "/spec.json", s));
        auto self = std::filesystem::read_symlink("/proc/self/exe").string();
        auto started = agent::start_supervisor(self, r.folder + "/spec.json", work_ / "state");
        EXPECT_TRUE(started) << started.error().describe();
        return *journal_.find(r.id);
    }
    runs::record ended(const runs::record& r) {
        for (;;) {
            auto now_is = *journal_.find(r.id);
            if (runs::is_final(now_is.state)) return now_is;
            std::this_thread::yield();
        }
    }
    runs::journal journal_;
};

TEST_F(agent_supervise, what_ignores_the_request_is_killed_after_the_grace) {
    ASSERT_EQ(::mkfifo((work_ / "fifo").c_str(), 0600), 0);
    auto s = spec_of(
        {"sh", "-c", "trap '' TERM; echo $$ > " + (work_ / "fifo") + "; while :; do sleep 1000; done"});
    s.grace_seconds = 0;
    auto r = supervised(s);
    EXPECT_EQ(r.state, runs::state::running);
    EXPECT_TRUE(agent::process_started(r.pid));
    std::string line;
    {
        std::ifstream in(work_ / "fifo");
        std::getline(in, line);
    }
    EXPECT_TRUE(*agent::signal_process(r.pid, r.pid_started, SIGTERM));
    r = ended(r);
    EXPECT_EQ(r.state, runs::state::canceled);
    EXPECT_EQ(r.exit_code, 128 + SIGKILL);
    EXPECT_FALSE(agent::process_started(std::stol(line)));
}

TEST_F(agent_supervise, a_run_that_was_cancelled_before_is_not_started) {
    auto s = spec_of({"touch", work_ / "ran"});
    runs::record r = *journal_.add({});
    ASSERT_TRUE(journal_.update(r.id, [](runs::record& x) { x.state = runs::state::canceled; }));
    s.run = r.id;
    s.work = r.folder;
    s.logs = r.logs;
    ASSERT_TRUE(agent::write_spec(r.folder + "/spec.json", s));
    EXPECT_TRUE(agent::start_supervisor(std::filesystem::read_symlink("/proc/self/exe").string(),
                                        r.folder + "/spec.json", work_ / "state"));
    EXPECT_EQ(journal_.find(r.id)->state, runs::state::canceled);
    EXPECT_FALSE(work_.has("ran"));
}

TEST_F(agent_supervise, what_keeps_it_from_starting_is_told) {
    work_.write("spec.json", "{}");
    auto started = agent::start_supervisor(std::filesystem::read_symlink("/proc/self/exe").string(),
                                           work_ / "spec.json", work_ / "state");
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message(), HasSubstr("is not an agent's specification"));
}

TEST_F(agent_supervise, a_delivery_begins_only_when_the_last_has_ended) {
    const std::string turns = work_ / "turns", never = work_ / "never";
    for (const auto& path : {turns, never}) ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    // The second delivery tells the command each time that it is due again; the first stays at work.
    auto s = spec_of({"sh", "-c",
                      "read x < \"$1\"; read x < \"$1\"; read x < \"$1\"; cat \"$2/begun\"; : > \"$2/ended\"",
                      "sh", turns, work_.path()});
    s.delivery_seconds = 1;
    const std::string unless_ended = "[ -e \"$0/ended\" ] || ";
    s.deliveries = {
        {"a",
         {"sh", "-c", "echo begun >> \"$0/begun\"; " + unless_ended + "read x < \"$0/never\"", work_.path()}},
        {"b", {"sh", "-c", unless_ended + "echo due > \"$0/turns\"", work_.path()}}};
    auto r = ended(supervised(s));
    EXPECT_EQ(r.state, runs::state::completed) << r.reason;
    EXPECT_EQ(*file::read_all(r.logs + "/stdout.txt", 4096), "begun\n");
}

/// nvidia-smi is what the test makes of it.
class agent_gpus : public ::testing::Test {
protected:
    agent_gpus() : path_(::getenv("PATH")) { ::setenv("PATH", (bin_.path() + ":" + path_).c_str(), 1); }
    ~agent_gpus() override { ::setenv("PATH", path_.c_str(), 1); }
    void driver(const std::string& script) { bin_.write("nvidia-smi", "#!/bin/sh\n" + script, 0755); }
    temp_folder bin_;
    std::string path_;
};

TEST_F(agent_gpus, a_driver_that_does_not_answer_is_an_error) {
    ASSERT_EQ(::mkfifo((bin_ / "never").c_str(), 0600), 0);
    driver("echo 'GPU 0: Imagined'\nread x < " + (bin_ / "never") + "\n");
    EXPECT_EQ(agent::list_gpus({}, std::chrono::milliseconds(1)).error().kind(), kind::timeout);
    stop_source stop;
    stop.request();
    EXPECT_EQ(agent::list_gpus({stop.token()}).error().kind(), kind::stopped);
}

TEST_F(agent_gpus, those_that_are_told_count_though_one_is_lost) {
    driver("echo 'GPU 0: A'; echo 'GPU 2: B'; echo 'GPU 1 is lost' >&2; exit 15\n");
    EXPECT_THAT(*agent::list_gpus({}), ElementsAre("0", "1"));
    driver("echo 'No devices were found'; exit 6\n");
    EXPECT_THAT(*agent::list_gpus({}), IsEmpty());
    driver("echo 'it cannot talk to the driver' >&2; exit 9\n");
    EXPECT_THAT(agent::list_gpus({}).error().message(), HasSubstr("it cannot talk to the driver"));
}

TEST(agent_process, a_pid_that_came_again_is_never_signalled) {
    pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    auto started = agent::process_started(child);
    ASSERT_TRUE(started);
    auto other = agent::signal_process(child, *started + 1, SIGKILL);
    ASSERT_TRUE(other);
    EXPECT_FALSE(*other);
    EXPECT_TRUE(agent::process_started(child));
    EXPECT_TRUE(*agent::signal_process(child, *started, SIGKILL));
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_FALSE(agent::process_started(child));
    EXPECT_FALSE(*agent::signal_process(child, *started, SIGKILL));
}

}  // namespace
}  // namespace act::testing
