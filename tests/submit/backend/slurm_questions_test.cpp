#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slurm_jobs.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

/// How often Slurm is asked about many runs.
class slurm_questions : public backend_slurm {
protected:
    std::vector<runs::record> submitted_as(const std::vector<std::string>& ids) {
        std::vector<runs::record> out;
        for (const auto& id : ids) {
            answer("sbatch", id + "\n");
            out.push_back(submitted());
        }
        home_.write("calls", "");
        return out;
    }
    static void end(const runs::record& r) {
        leave(r, "started", r.backend_id + " 100 n1\n");
        leave(r, "ended", "0 160\n");
    }
};

TEST_F(slurm_questions, many_runs_are_one_question) {
    auto all = submitted_as({"123", "124", "125", "126", "127"});
    end(all[4]);
    answer("squeue", "124|124|PENDING|Priority|N/A|N/A|\n123|123|RUNNING|None|100|NONE|n1\n");
    answer("sacct", "125|125|TIMEOUT|0:0|100|160|n1|None\n");
    auto d = slurm();
    auto now_are = runtime_.run(d->status_all(all, {}));
    ASSERT_EQ(now_are.size(), 5u);
    for (const auto& r : now_are) ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(now_are[0]->state, runs::state::running);
    EXPECT_THAT(now_are[1]->reason, HasSubstr("higher priority"));
    EXPECT_EQ(now_are[2]->reason, "its time limit was reached");
    EXPECT_THAT(now_are[3]->reason, HasSubstr("does not know job 126"));
    EXPECT_EQ(now_are[4]->state, runs::state::completed);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(now_are[i]->id, all[i].id);
        EXPECT_EQ(journal_.find(all[i].id)->state, now_are[i]->state);
    }
    const std::string calls = home_.read("calls");
    EXPECT_EQ(calls,
              "squeue <--noheader> <--array> <--states=all> <--jobs=123,124,125,126> <--format> "
              "<%i|%A|%T|%r|%S|%e|%N>\n"
              "sacct <--noheader> <--parsable2> <--allocations> <--jobs=125,126> "
              "<--format=JobID,JobIDRaw,State,ExitCode,Start,End,NodeList,Reason>\n");
    // Nor is it asked again at once.
    EXPECT_EQ(runtime_.run(d->status_all(all, {}))[0]->state, runs::state::running);
    EXPECT_EQ(runtime_.run(d->status(all[1], {}))->state, runs::state::queued);
    EXPECT_EQ(home_.read("calls"), calls);
}

TEST_F(slurm_questions, an_unknown_job_does_not_hide_the_others) {
    auto all = submitted_as({"123", "124"});
    fake("squeue", "case \"$*\" in *--jobs=124*) echo '124|124|RUNNING|None|100|NONE|n1'; exit 0;; esac\n");
    answer("squeue", "", 1, "slurm_load_jobs error: Invalid job id specified\n");
    auto now_are = runtime_.run(slurm()->status_all(all, {}));
    EXPECT_THAT(now_are[0]->reason, HasSubstr("does not know job 123"));
    EXPECT_EQ(now_are[1]->state, runs::state::running);
}

TEST_F(slurm_questions, tasks_that_were_cancelled_one_by_one_are_known_by_their_arrays) {
    auto all = submitted_as({"123", "124"});
    for (int i = 0; i < 2; ++i)
        all.push_back(*journal_.update(all[i].id, [](runs::record& r) { r.backend_id += "_1"; }));
    all.erase(all.begin(), all.begin() + 2);
    fake("squeue", "case \"$*\" in *--jobs=123,124*) echo '123|123|CANCELLED|JobHeldUser|160|160|'; esac\n");
    answer("squeue", "");
    auto now_are = runtime_.run(slurm()->status_all(all, {}));
    EXPECT_EQ(now_are[0]->state, runs::state::canceled);
    EXPECT_THAT(now_are[1]->reason, HasSubstr("does not know job 124_1"));
    const std::string calls = home_.read("calls");
    EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 3) << calls;
}

TEST_F(slurm_questions, a_task_that_alone_is_missing_in_its_array_was_cancelled) {
    auto all = submitted_as({"123", "124", "125", "126"});
    for (auto& r : all) r = *journal_.update(r.id, [](runs::record& x) { x.backend_id += "_1"; });
    leave(all[1], "started", "124_1 100 n1\n");
    fake("squeue",
         "case \"$*\" in *--jobs=123,124,126*) echo '123_0|123|PENDING|Priority|N/A|N/A|'; echo "
         "'124_0|124|RUNNING|None|100|NONE|n1';; esac\n");
    answer("sacct", "125_1|127|TIMEOUT|0:0|100|160|n1|None\n");
    auto now_are = runtime_.run(slurm()->status_all(all, {}));
    for (const auto& r : now_are) ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(now_are[0]->state, runs::state::canceled);
    EXPECT_THAT(now_are[0]->reason, HasSubstr("scancel"));
    EXPECT_EQ(now_are[1]->state, runs::state::failed) << "it had begun";
    EXPECT_THAT(now_are[1]->reason, HasSubstr("left no exit code"));
    EXPECT_EQ(now_are[2]->reason, "its time limit was reached") << "accounting knows better";
    EXPECT_EQ(now_are[3]->state, runs::state::failed);
    EXPECT_THAT(now_are[3]->reason, HasSubstr("does not know job 126_1"));
}

TEST_F(slurm_questions, a_controller_that_does_not_answer_is_an_answer_for_each) {
    auto all = submitted_as({"123", "124", "125"});
    end(all[1]);
    answer("squeue", "", 1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n");
    auto now_are = runtime_.run(slurm()->status_all(all, {}));
    for (int i : {0, 2}) EXPECT_EQ(now_are[i].error().kind(), kind::unavailable);
    EXPECT_EQ(now_are[1]->state, runs::state::completed);
    EXPECT_EQ(journal_.find(all[0].id)->state, runs::state::queued);
    const std::string calls = home_.read("calls");
    EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 1);
}

TEST_F(slurm_questions, a_question_that_was_cut_short_is_no_answer) {
    auto all = submitted_as({"123"});
    ASSERT_EQ(::mkfifo((home_ / "never").c_str(), 0600), 0);
    fake("sacct", "read x < " + (home_ / "never") + "\n");
    auto now_are = runtime_.run(slurm()->status_all(all, until{}.within(std::chrono::seconds(1))));
    ASSERT_FALSE(now_are[0]);
    EXPECT_EQ(now_are[0].error().kind(), kind::timeout);
    EXPECT_EQ(journal_.find(all[0].id)->state, runs::state::queued);
}

TEST_F(slurm_questions, no_question_is_longer_than_an_argument_may_be) {
    std::vector<runs::record> all;
    for (int i = 0; i < 1001; ++i) {
        runs::record r;
        r.platform = "slurm";
        r.backend_id = "1000000_" + std::to_string(i);
        all.push_back(*journal_.add(r));
    }
    fake("squeue",
         "echo \"$*\" | tr , '\\n' | sed 's/.*--jobs=//; s/ .*//; s/.*/&|&|PENDING|None|N\\/A|N\\/A|/'\n");
    answer("squeue", "");
    home_.write("calls", "");
    auto now_are = runtime_.run(slurm()->status_all(all, {}));
    for (const auto& r : now_are) ASSERT_EQ(r->state, runs::state::queued) << r->reason;
    const std::string calls = home_.read("calls");
    EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 2);
}

}  // namespace
}  // namespace act::testing
