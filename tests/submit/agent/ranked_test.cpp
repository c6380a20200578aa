#include <csignal>
#include <fstream>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_run.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

class agent_ranked : public agent_run {
protected:
    /// One of `size` processes that srun starts.
    static std::map<std::string, std::string> task(int rank, int size) {
        return {{"SLURM_PROCID", std::to_string(rank)},
                {"SLURM_LOCALID", "0"},
                {"SLURM_NODEID", std::to_string(rank)},
                {"SLURM_STEP_NUM_TASKS", std::to_string(size)},
                {"SLURM_STEP_NUM_NODES", std::to_string(size)},
                {"SLURM_STEP_TASKS_PER_NODE", "1(x" + std::to_string(size) + ")"},
                {"SLURM_STEP_NODELIST", "n[1-" + std::to_string(size) + "]"}};
    }
    std::string make_fifo(const std::string& name) {
        std::string path = work_ / name;
        EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        return path;
    }
    static void line_from(const std::string& fifo) {
        std::ifstream in(fifo);
        std::string line;
        std::getline(in, line);
    }
    /// Returns when the process waits for the lock (or has ended, which a test would notice).
    static void wait_for_flock(pid_t pid) {
        for (;;) {
            std::ifstream in("/proc/" + std::to_string(pid) + "/syscall");
            std::string number;
            in >> number;
            if (number != "running" && !number.empty() && std::stol(number) == SYS_flock) return;
            siginfo_t info{};
            if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                info.si_pid)
                return;
            ::sched_yield();
        }
    }
};

TEST_F(agent_ranked, each_writes_the_files_of_its_rank) {
    auto s = spec_of({"sh", "-c", "echo out $RANK of $WORLD_SIZE at $MASTER_ADDR; echo err $ACT_RANK >&2"});
    s.ranked = true;
    pid_t zero = start(s, task(0, 2)), one = start(s, task(1, 2));
    EXPECT_EQ(wait_for(zero), 0);
    EXPECT_EQ(wait_for(one), 0);
    EXPECT_EQ(work_.read("work/logs/stdout.txt"), "out 0 of 2 at n1\n");
    EXPECT_EQ(work_.read("work/logs/stderr.txt"), "err 0\n");
    EXPECT_EQ(work_.read("work/logs/stdout-1.txt"), "out 1 of 2 at n1\n");
    EXPECT_EQ(work_.read("work/logs/stderr-1.txt"), "err 1\n");
    EXPECT_FALSE(work_.has("work/first-failure"));
}

TEST_F(agent_ranked, what_the_user_sets_is_not_touched) {
    auto s = spec_of({"sh", "-c", "echo $RANK $MASTER_ADDR $MASTER_PORT $LOCAL_RANK"});
    s.env = {{"RANK", "mine"}, {"MASTER_ADDR", "here"}, {"MASTER_PORT", "1"}};
    s.ranked = true;
    EXPECT_EQ(wait_for(start(s, task(0, 1))), 0);
    EXPECT_EQ(work_.read("work/logs/stdout.txt"), "mine here 1 0\n");
}

TEST_F(agent_ranked, the_first_failure_of_several_is_told) {
    auto s = spec_of({"sh", "-c", "exit $((3 + RANK))"});
    s.ranked = true;
    EXPECT_EQ(wait_for(start(s, task(1, 2))), 4);
    EXPECT_EQ(wait_for(start(s, task(0, 2))), 3);
    EXPECT_EQ(work_.read("work/first-failure"), "4\n");
}

TEST_F(agent_ranked, so_is_a_set_up_that_failed) {
    tree_.write("compile.aml.sh", "exit 1\n");
    auto s = spec_of({"true"});
    s.ranked = true;
    EXPECT_EQ(wait_for(start(s, task(1, 2))), agent::exit_setup_failed);
    EXPECT_EQ(work_.read("work/first-failure"), "125\n");
    EXPECT_THAT(work_.read("work/logs/stderr-1.txt"), HasSubstr("compile.aml.sh ended with code 1"));
}

TEST_F(agent_ranked, so_is_a_node_without_its_gpus) {
    auto s = spec_of({"true"});
    s.ranked = true;
    s.check.gpus = 1;
    auto environment = task(1, 2);
    environment["PATH"] = work_ / "nowhere";
    EXPECT_EQ(wait_for(start(s, environment)), agent::exit_node_unfit);
    EXPECT_EQ(work_.read("work/first-failure"), "122\n");
}

TEST_F(agent_ranked, a_single_process_is_the_command_itself) {
    auto s = spec_of({"sh", "-c", "kill -USR1 $$"});
    s.ranked = true;
    EXPECT_EQ(wait_for(start(s, task(0, 1))), 128 + SIGUSR1);
    EXPECT_FALSE(work_.has("work/first-failure"));
}

TEST_F(agent_ranked, nodes_that_start_at_once_on_a_shared_folder_set_up_once) {
    std::string compiling = make_fifo("compiling"), go_on = make_fifo("go-on");
    tree_.write("compile.aml.sh", "echo x >> " + (work_ / "compiled") + "\necho there > " + compiling +
                                      "\nread x < " + go_on + "\necho whole > built\n");
    auto s = spec_of({"cat", "built"});
    s.ranked = true;
    pid_t zero = start(s, task(0, 2));
    line_from(compiling);
    pid_t one = start(s, task(1, 2));
    wait_for_flock(one);
    std::ofstream(go_on) << "go\n";
    EXPECT_EQ(wait_for(zero), 0);
    EXPECT_EQ(wait_for(one), 0);
    EXPECT_EQ(work_.read("compiled"), "x\n");
    EXPECT_EQ(work_.read("work/logs/stdout.txt"), "whole\n");
    EXPECT_EQ(work_.read("work/logs/stdout-1.txt"), "whole\n");
}

TEST_F(agent_ranked, what_a_killed_set_up_started_ends_before_another_begins) {
    std::string compiling = make_fifo("compiling"), go_on = make_fifo("go-on");
    tree_.write("compile.aml.sh", "if [ -e " + (work_ / "second") + " ]; then\necho second >> " +
                                      (work_ / "order") + "\necho whole > built\nexit 0\nfi\n: > " +
                                      (work_ / "second") + "\necho there > " + compiling + "\nread x < " +
                                      go_on + "\necho half > built\necho first >> " + (work_ / "order") +
                                      "\n");
    auto s = spec_of({"cat", "built"});
    s.ranked = true;
    pid_t zero = start(s, task(0, 2));
    line_from(compiling);
    pid_t one = start(s, task(1, 2));
    wait_for_flock(one);
    ::kill(zero, SIGKILL);
    EXPECT_EQ(wait_for(zero), 128 + SIGKILL);
    // The first one's compiler still runs, and writes into the tree.
    wait_for_flock(one);
    std::ofstream(go_on) << "go\n";
    EXPECT_EQ(wait_for(one), 0);
    EXPECT_EQ(work_.read("order"), "first\nsecond\n");
    EXPECT_EQ(work_.read("work/logs/stdout-1.txt"), "whole\n");
}

TEST_F(agent_ranked, a_process_that_set_up_leaves_behind_holds_nobody_up) {
    std::string never = make_fifo("never");
    tree_.write("compile.aml.sh", "(read x < " + never + ") > /dev/null 2>&1 &\n");
    auto s = spec_of({"true"});
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(run(s), 0);
    std::ofstream(never) << "end\n";
}

}  // namespace
}  // namespace act::testing
