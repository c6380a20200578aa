// Runs that are submitted once more, by hand or by `act monitor`, on a journal that the tests write.

#include <gmock/gmock.h>

#include "engine/core/clock.hpp"
#include "runs.hpp"
#include "submit/agent/supervise.hpp"

namespace act::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// On a cluster where no job can be started, for a reason that the project calls a matter of chance.
class resubmission_test : public runs_test {
protected:
    void SetUp() override {
        runs_test::SetUp();
        write("aux_data/aml/never.yaml", "platform: local\nlocal: {upload_seconds: soon}\n");
        write("aux_data/error_classes.yaml", "Chance: {pattern: 'upload_seconds|flaky', retriable: true}\n");
        write_file(archive_, "code");
    }

    runs::record failed(const std::function<void(runs::record&)>& more = nullptr) {
        auto r = add({"train"}, runs::state::failed, [&](auto& x) {
            x.cluster = "never";
            x.code = code_;
            if (more) more(x);
        });
        log(r, "stderr.txt", "flaky\n");
        return r;
    }
    std::string detail(const std::string& id, const std::string& key) {
        auto r = journal_.find(id);
        if (!r) return "no such run";
        auto at = r->details.find(key);
        return at == r->details.end() ? "" : at->second;
    }
    std::size_t runs_in_all() { return journal_.list()->size(); }

    const std::string code_ = std::string(64, 'a');
    const std::string archive_ = folder_.at("home/.local/state/act/code/" + code_ + ".zip");
};

TEST_F(runs_test, resubmit_says_what_is_missing) {
    auto r = add({"x"}, runs::state::failed, [](auto& x) { x.code = std::string(64, 'a'); });
    auto o = act({"resubmit", r.id});
    EXPECT_EQ(o.code, 5);
    EXPECT_THAT(o.problems, HasSubstr("--fresh"));
    auto gone = add({"x"}, runs::state::failed, [](auto& x) { x.project = "/nowhere/at/all"; });
    EXPECT_THAT(act({"resubmit", gone.id}).problems, HasSubstr("/nowhere/at/all"));
}

TEST_F(resubmission_test, a_try_that_could_not_be_started_counts) {
    auto first = failed();
    auto o = act({"monitor", "--retries", "1"});
    EXPECT_THAT(o.problems, HasSubstr("upload_seconds"));
    ASSERT_EQ(runs_in_all(), 2u);
    const std::string second = detail(first.id, "resubmitted_as");
    EXPECT_EQ(detail(second, "resubmit_of"), first.id);
    EXPECT_EQ(detail(second, "retries"), "1");
    EXPECT_EQ(detail(second, "history"), first.id + ": Chance");
    EXPECT_EQ(detail(first.id, "claimed_by"), "");
    EXPECT_THAT(o.out, HasSubstr(second + " not tried again: 1 retries have not helped (Chance)"));
    EXPECT_THAT(act({"monitor", "--retries", "1"}).out, Not(HasSubstr("tried again as")));
    EXPECT_EQ(runs_in_all(), 2u);
}

TEST_F(resubmission_test, a_failure_is_submitted_by_one_monitor_alone) {
    const std::string other = agent::own_identity();
    auto claimed = failed([&](auto& r) { r.details["claimed_by"] = other; });
    auto o = act({"monitor", claimed.id, "--retries", "1"});
    EXPECT_THAT(o.out, HasSubstr(agent::identity_in_words(other) + ", is submitting it again"));
    EXPECT_EQ(runs_in_all(), 1u);
    EXPECT_EQ(detail(claimed.id, "claimed_by"), other);
}

TEST_F(resubmission_test, a_claim_of_another_machine_is_told_and_by_hand_all_is_possible) {
    auto claimed = failed([](auto& r) { r.details["claimed_by"] = "1 2 boot elsewhere"; });
    auto o = act({"monitor", claimed.id, "--retries", "1"});
    EXPECT_EQ(o.code, 1);
    EXPECT_THAT(o.problems, AllOf(HasSubstr("process 1 on elsewhere"), HasSubstr("act resubmit ")));
    EXPECT_EQ(runs_in_all(), 1u);
    EXPECT_NE(act({"resubmit", claimed.id}).code, 0);
    EXPECT_EQ(runs_in_all(), 2u);
    EXPECT_EQ(detail(claimed.id, "claimed_by"), "1 2 boot elsewhere");
}

TEST_F(resubmission_test, the_claim_of_a_monitor_that_was_killed_is_none) {
    std::string mine = agent::own_identity();
    // No process has begun with the machine's first tick but the first.
    const std::string pid = mine.substr(0, mine.find(' '));
    const std::string dead = pid + " 0" + mine.substr(mine.find(' ', pid.size() + 1));
    EXPECT_EQ(agent::lives(dead), false);
    EXPECT_EQ(agent::lives(mine), true);
    auto claimed = failed([&](auto& r) { r.details["claimed_by"] = dead; });
    act({"monitor", claimed.id, "--retries", "1"});
    EXPECT_EQ(runs_in_all(), 2u);
}

TEST_F(resubmission_test, a_link_that_was_not_written_is_known_from_the_newer_run) {
    auto old = failed();
    auto fresh = add({"train"}, runs::state::completed, [&](auto& r) { r.details["resubmit_of"] = old.id; });
    EXPECT_THAT(act({"monitor"}).out, Not(HasSubstr("tried again")));
    EXPECT_EQ(runs_in_all(), 2u);
}

TEST_F(resubmission_test, a_submission_that_came_to_nothing_leaves_no_claim) {
    std::filesystem::remove(archive_);
    auto r = failed();
    EXPECT_EQ(act({"monitor"}).code, 1);
    EXPECT_EQ(detail(r.id, "claimed_by"), "");
    EXPECT_EQ(detail(r.id, "resubmitted_as"), "");
}

TEST_F(resubmission_test, values_that_no_record_keeps_come_from_here) {
    auto r = failed([](auto& x) { x.details["env_not_kept"] = "HF_TOKEN\nX_KEY"; });
    environment_["X_KEY"] = "a";
    auto o = act({"resubmit", "--dry-run", r.id});
    EXPECT_EQ(o.code, 2);
    EXPECT_THAT(o.problems,
                AllOf(HasSubstr("--env HF_TOKEN, whose value is not kept"), HasSubstr("export HF_TOKEN")));
    environment_["HF_TOKEN"] = "b";
    EXPECT_EQ(act({"resubmit", "--dry-run", r.id}).code, 0);
    // The next record has the names, too.
    EXPECT_NE(act({"resubmit", r.id}).code, 0);
    EXPECT_EQ(detail(detail(r.id, "resubmitted_as"), "env_not_kept"), "HF_TOKEN\nX_KEY");
}

TEST_F(resubmission_test, the_archive_counts_as_used) {
    using clock = std::filesystem::file_time_type::clock;
    std::filesystem::last_write_time(archive_, clock::now() - std::chrono::hours(100));
    EXPECT_EQ(act({"resubmit", "--dry-run", failed().id}).code, 0);
    EXPECT_GT(std::filesystem::last_write_time(archive_), clock::now() - std::chrono::hours(1));
}

TEST_F(resubmission_test, one_of_a_sweep_stays_in_its_queue) {
    auto r = failed([](auto& x) {
        x.group = "g";
        x.details["queue"] = "/some/queue";
        x.details["places"] = "2";
    });
    EXPECT_NE(act({"resubmit", r.id}).code, 0);
    const std::string next = detail(r.id, "resubmitted_as");
    EXPECT_EQ(detail(next, "queue"), "/some/queue");
    EXPECT_EQ(detail(next, "places"), "2");
}

}  // namespace
}  // namespace act::cli
