#include "submit/backend/slurm_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace act::backend::slurm {
namespace {

using runs::state;
using ::testing::HasSubstr;
using ::testing::Not;

wall_time at(int seconds) { return wall_time(std::chrono::seconds(seconds)); }

class slurm_state : public ::testing::Test {
protected:
    slurm_state() { r_.backend_id = "7", r_.folder = "/runs/x"; }
    void squeue(const std::string& line) {
        // The number that a task has by itself is another matter.
        auto first = line.find('|');
        job_ = parse_squeue(line.substr(0, first) + "|8" + line.substr(first));
        EXPECT_TRUE(job_) << line;
    }
    void sacct(const std::string& line) {
        job_ = parse_sacct("7|7|" + line);
        EXPECT_TRUE(job_) << line;
    }
    runs::record now_is() {
        runs::record r = r_;
        apply(r, job_, left_, at(999));
        return r;
    }
    void started() { take_started("7 100 n[1-2]\n", left_); }
    void ended(int code) {
        started();
        take_ended(std::to_string(code) + " 160\n", left_);
    }
    runs::record r_;
    std::optional<job_info> job_;
    traces left_;
};

TEST_F(slurm_state, waiting_has_a_reason) {
    squeue("7|PENDING|Resources|N/A|N/A|\n");
    EXPECT_EQ(now_is().state, state::queued);
    EXPECT_EQ(now_is().reason, "waits for free nodes (Resources)");
    EXPECT_EQ(now_is().started, wall_time{});
    squeue("7|PENDING|QOSMaxGRESPerUser|1795342396|N/A|");
    EXPECT_EQ(now_is().reason, "a limit of the quality of service is reached (QOSMaxGRESPerUser)");
    EXPECT_EQ(now_is().started, wall_time{}) << "an expected start is none";
    squeue("7|PENDING|SomethingNew|N/A|N/A|");
    EXPECT_EQ(now_is().reason, "waits: SomethingNew");
    squeue("7|PENDING|None|N/A|N/A|");
    EXPECT_EQ(now_is().reason, "");
    squeue("7|CONFIGURING|None|1795342396|N/A|n1");
    EXPECT_EQ(now_is().state, state::queued);
}

TEST_F(slurm_state, running_is_somewhere_since_some_time) {
    r_.reason = "waits for free nodes (Resources)";
    squeue("7_3|RUNNING|None|150|NONE|n[1-2]");
    EXPECT_EQ(now_is().state, state::running);
    EXPECT_EQ(now_is().started, at(150));
    EXPECT_EQ(now_is().node, "n[1-2]");
    EXPECT_EQ(now_is().reason, "");
    started();
    EXPECT_EQ(now_is().started, at(100));
    squeue("7|COMPLETING|None|150|NONE|n1");
    EXPECT_EQ(now_is().state, state::running);
}

TEST_F(slurm_state, what_it_left_tells_the_end_without_slurm) {
    ended(0);
    EXPECT_TRUE(settled(left_, r_));
    EXPECT_EQ(now_is().state, state::completed);
    EXPECT_EQ(now_is().exit_code, 0);
    EXPECT_EQ(now_is().ended, at(160));
    EXPECT_EQ(now_is().node, "n[1-2]");
    ended(3);
    EXPECT_EQ(now_is().state, state::failed);
    EXPECT_EQ(now_is().exit_code, 3);
    EXPECT_EQ(now_is().reason, "");
    ended(125);
    left_.failure = "compile.aml.sh ended with code 9";
    EXPECT_EQ(now_is().reason, "compile.aml.sh ended with code 9");
}

TEST_F(slurm_state, a_signal_may_be_slurms) {
    ended(143);
    EXPECT_FALSE(settled(left_, r_));
    EXPECT_EQ(now_is().state, state::failed);
    EXPECT_EQ(now_is().reason, "ended by signal SIGTERM");
    squeue("7|TIMEOUT|TimeLimit|100|160|n1");
    EXPECT_EQ(now_is().state, state::failed);
    EXPECT_EQ(now_is().exit_code, 143);
    EXPECT_EQ(now_is().reason, "its time limit was reached");
    squeue("7|CANCELLED|None|100|160|n1");
    EXPECT_EQ(now_is().state, state::canceled);
    EXPECT_THAT(now_is().reason, HasSubstr("scancel"));
    request_cancel(r_);
    EXPECT_EQ(now_is().reason, "cancelled");
}

TEST_F(slurm_state, a_cancelled_job_may_be_forgotten) {
    request_cancel(r_);
    EXPECT_EQ(now_is().state, state::canceled);
    EXPECT_EQ(now_is().reason, "cancelled");
    ended(0);
    EXPECT_FALSE(settled(left_, r_)) << "Slurm says whether it had ended before";
    squeue("7|COMPLETED|None|100|160|n1");
    EXPECT_EQ(now_is().state, state::completed);
}

TEST_F(slurm_state, one_that_was_asked_to_end_may_have_a_code_of_its_own) {
    started();
    take_ended("0 160 asked\n", left_);
    EXPECT_EQ(left_.code, 0);
    EXPECT_FALSE(settled(left_, r_)) << "its time limit may have been reached";
    EXPECT_EQ(now_is().state, state::completed) << "nobody knows better";
    squeue("7|TIMEOUT|TimeLimit|100|160|n1");
    EXPECT_EQ(now_is().reason, "its time limit was reached");
    squeue("7|CANCELLED|None|100|160|n1");
    EXPECT_EQ(now_is().state, state::canceled);
}

TEST_F(slurm_state, outputs_that_could_not_be_sent_in_time_are_told) {
    started();
    left_.outputs = "/runs/x/outputs";
    take_ended("1 160 asked undelivered\n", left_);
    EXPECT_EQ(left_.code, 1);
    EXPECT_TRUE(left_.asked);
    squeue("7|TIMEOUT|TimeLimit|100|160|n1");
    EXPECT_THAT(now_is().reason, HasSubstr("they are in /runs/x/outputs"));
    squeue("7|CANCELLED|None|100|160|n1");
    EXPECT_THAT(now_is().reason, HasSubstr("they are in /runs/x/outputs"));
    // Told once.
    left_.failure = "what is in /runs/x/outputs/o could not be brought to the store";
    left_.asked = false;
    EXPECT_EQ(now_is().reason, left_.failure);
    take_ended("0 160 what a later version says\n", left_);
    EXPECT_EQ(left_.code, 0);
    EXPECT_FALSE(left_.undelivered);
}

TEST_F(slurm_state, outputs_that_stayed_behind_are_told) {
    left_.outputs = "/runs/x/outputs";
    squeue("7|CANCELLED|None|N/A|160|");
    EXPECT_THAT(now_is().reason, Not(HasSubstr("outputs"))) << "it had not begun";
    started();
    const std::string where = "; its outputs did not all get to the store: they are in /runs/x/outputs";
    squeue("7|TIMEOUT|TimeLimit|100|160|n1");
    EXPECT_EQ(now_is().reason, "its time limit was reached" + where);
    request_cancel(r_);
    squeue("7|CANCELLED|None|100|160|n1");
    EXPECT_EQ(now_is().reason, "cancelled" + where);
    job_.reset();
    EXPECT_EQ(now_is().reason, "cancelled" + where);
    squeue("7|RUNNING|None|100|N/A|n1");
    EXPECT_EQ(now_is().reason, "");
    r_.logs = "/runs/x/logs";
    left_.logs = true;
    squeue("7|CANCELLED|None|100|160|n1");
    EXPECT_EQ(now_is().reason,
              "cancelled" + where + "; its logs did not all get to the store: they are in /runs/x/logs");
    EXPECT_EQ(now_is().details["delivered"], "no");
    ended(143);
    EXPECT_EQ(now_is().reason, "cancelled");
    EXPECT_EQ(now_is().details["delivered"], "yes");
    take_ended("143 160 undelivered\n", left_);
    EXPECT_EQ(now_is().details["delivered"], "no");
    left_.outputs.clear();
    left_.logs = false;
    EXPECT_FALSE(now_is().details.contains("delivered"));
}

TEST_F(slurm_state, a_job_is_found_by_each_of_its_ids) {
    std::vector<job_info> jobs;
    for (const char* line : {"7_3|9|RUNNING|None|100|N/A|n1", "7_4|7|PENDING|None|N/A|N/A|",
                             "9|9|COMPLETED|None|100|160|n1", "11_4|12|TIMEOUT|None|100|160|n1"})
        jobs.push_back(*parse_squeue(line));
    jobs.push_back(*parse_sacct("11_[1-2,4-8:2%3]|11|CANCELLED|0:0|0|160||None"));
    auto state_of = [&](const char* id) {
        const job_info* found = find_job(jobs, id);
        return found ? found->state : "";
    };
    EXPECT_EQ(state_of("7_3"), "RUNNING");
    EXPECT_EQ(state_of("9"), "COMPLETED");
    EXPECT_EQ(state_of("12"), "TIMEOUT") << "of an array, by its own number";
    EXPECT_EQ(state_of("11_4"), "TIMEOUT");
    EXPECT_EQ(state_of("11_2"), "CANCELLED");
    EXPECT_EQ(state_of("11_6"), "CANCELLED");
    for (const char* other : {"11_3", "11_9", "1_2", "7_", "3", ""}) EXPECT_EQ(state_of(other), "") << other;
    EXPECT_EQ(state_of("9_1"), "") << "of an array that goes on nothing is known by its number";
    jobs.push_back(*parse_squeue("13|13|CANCELLED|None|160|160|"));
    EXPECT_EQ(state_of("13_1"), "CANCELLED");
}

TEST_F(slurm_state, an_array_without_its_waiting_tasks_says_nothing_of_those_that_began) {
    r_.backend_id = "7_1";
    squeue("7|CANCELLED|JobHeldUser|160|160|");
    EXPECT_EQ(now_is().state, state::canceled);
    EXPECT_THAT(now_is().reason, HasSubstr("scancel"));
    ended(137);
    EXPECT_EQ(now_is().state, state::failed);
    EXPECT_EQ(now_is().reason, "ended by signal SIGKILL");
}

TEST_F(slurm_state, slurm_says_why_it_ended_a_job) {
    started();
    for (auto [name, reason] : {std::pair("OUT_OF_MEMORY", "it used more memory than the job has"),
                                std::pair("NODE_FAIL", "a node failed"),
                                std::pair("PREEMPTED", "preempted by a job of higher priority"),
                                std::pair("DEADLINE", "its deadline was reached"),
                                std::pair("BOOT_FAIL", "a node did not start")}) {
        squeue(std::string("7|") + name + "|x|100|160|n1");
        EXPECT_EQ(now_is().state, state::failed);
        EXPECT_EQ(now_is().reason, reason);
        EXPECT_EQ(now_is().ended, at(160));
        EXPECT_EQ(now_is().exit_code, std::nullopt);
    }
}

TEST_F(slurm_state, a_folder_that_the_nodes_do_not_see_is_told) {
    squeue("7|FAILED|NonZeroExitCode|100|101|n1");
    EXPECT_EQ(now_is().state, state::failed);
    EXPECT_EQ(now_is().reason, "it could not begin on n1: is /runs/x on a file system that the nodes share?");
    started();
    EXPECT_THAT(now_is().reason, HasSubstr("left no exit code"));
}

TEST_F(slurm_state, accounting_knows_the_past) {
    started();
    sacct("COMPLETED|0:0|100|160|n1|None");
    EXPECT_EQ(now_is().state, state::completed);
    sacct("FAILED|3:0|100|160|n1|None\n");
    EXPECT_EQ(now_is().exit_code, 3);
    sacct("FAILED|0:9|100|160|n1|None");
    EXPECT_EQ(now_is().exit_code, 137);
    EXPECT_EQ(now_is().reason, "ended by signal SIGKILL");
    sacct("CANCELLED by 1000|0:15|100|160|n1|None");
    EXPECT_EQ(now_is().state, state::canceled);
}

TEST_F(slurm_state, nobody_knows) {
    EXPECT_EQ(now_is().state, state::failed);
    EXPECT_EQ(now_is().reason, "Slurm does not know job 7 any more, and it left no trace");
    EXPECT_EQ(now_is().ended, at(999));
    started();
    EXPECT_THAT(now_is().reason, HasSubstr("killed, or its node failed"));
}

TEST_F(slurm_state, other_lines_are_none) {
    for (const char* line : {"", "7", "||||||", "slurm_load_jobs error: Invalid job id specified"})
        EXPECT_FALSE(parse_squeue(line));
    EXPECT_FALSE(parse_sacct("Slurm accounting storage is disabled"));
    take_started("", left_);
    take_ended("x 1", left_);
    take_ended("3", left_);
    EXPECT_FALSE(left_.job);
    EXPECT_FALSE(left_.code);
}

}  // namespace
}  // namespace act::backend::slurm
