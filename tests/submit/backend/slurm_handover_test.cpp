#include <sys/stat.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slurm_jobs.hpp"
#include "submit/agent/agent.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(backend_slurm, what_sbatch_refuses_is_told_and_kept) {
    answer("sbatch", "", 1,
           "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed\n");
    auto r = submit(*slurm(), {"true"});
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().message(), HasSubstr("did not take the job: invalid partition specified: nope"));
    EXPECT_THAT(r.error().advice(), HasSubstr("job.sh"));
    auto kept = (*journal_.list())[0];
    EXPECT_EQ(kept.state, runs::state::failed);
    EXPECT_THAT(kept.reason, HasSubstr("nope"));
    EXPECT_FALSE(std::filesystem::exists(kept.folder + "/spec.json"));
    EXPECT_EQ(submit(*slurm(), {}).error().kind(), kind::usage);
}

TEST_F(backend_slurm, outputs_that_no_credential_of_the_job_could_bring_home_are_refused) {
    store_.sent = home_ / "sent";
    config_.mappings = {{.key = "output_folder",
                         .folder = "output",
                         .account_file = "a.yaml",
                         .path = "o",
                         .mode = "upload"}};
    more_ = {{"STORE_KEY", "a2V5"}, {"STORE_NAME", "acme"}};
    const std::string file = "account_name: env:STORE_NAME\ncontainer_name: c\n";
    auto refused = [&](const std::string& more) {
        project_.write("a.yaml", file + more);
        auto r = submit(*slurm(), {"true"});
        if (r) return std::string();
        EXPECT_EQ(r.error().kind(), kind::configuration);
        EXPECT_THAT(r.error().advice(), HasSubstr("file:PATH, or auth: cli"));
        return r.error().message();
    };
    EXPECT_THAT(refused("account_key: env:STORE_KEY\n"), HasSubstr("STORE_KEY"));
    EXPECT_THAT(refused("auth: sp\n"), HasSubstr("auth: sp"));
    EXPECT_THAT(refused("auth: workload\n"), HasSubstr("a.yaml"));
    EXPECT_TRUE(journal_.list()->empty());
    EXPECT_EQ(refused("auth: cli\n"), "");
    project_.write("key", "a2V5\n");
    EXPECT_EQ(refused("account_key: file:key\n"), "");
    // The login node has an environment of its own.
    config_.other["slurm.ssh"] = "me@login";
    EXPECT_THAT(refused("account_key: file:key\n"), HasSubstr("STORE_NAME"));
}

TEST_F(backend_slurm, logs_go_where_the_cluster_file_says_if_they_can) {
    config_.mappings = {{.key = "data_folder", .folder = "data", .account_file = "a.yaml", .path = "d"}};
    more_ = {{"STORE_KEY", "a2V5"}};
    project_.write("key", "a2V5\n");
    auto handed_over = [&](const std::string& prefix, const std::string& key) {
        config_.other["std_out_err_path_prefix"] = prefix;
        project_.write("a.yaml", "account_name: acme\ncontainer_name: c\naccount_key: " + key + "\n");
        return submit(*slurm(), {"true"});
    };
    auto refused = handed_over("data/logs", "env:STORE_KEY");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("could not bring its logs to the store"));
    EXPECT_THAT(refused.error().advice(), HasSubstr("std_out_err_path_prefix"));
    EXPECT_FALSE(handed_over("elsewhere/logs", "file:key"));
    EXPECT_TRUE(journal_.list()->empty());

    auto r = handed_over("data/logs", "file:key");
    ASSERT_TRUE(r) << r.error().describe();
    const auto spec = *agent::read_spec(r->folder + "/spec.json");
    ASSERT_EQ(spec.deliveries.size(), 1u);
    EXPECT_EQ(spec.deliveries[0].folder, r->logs);
    EXPECT_EQ(spec.deliveries[0].command.back(), "d/logs/" + r->id);
    // It did not come to its end, so they are still to be sent.
    EXPECT_EQ(spec.deliveries[0].copy, r->folder + "/logs-copy");
    leave(*r, "started", "123 100 n1\n");
    answer("squeue", "123|123|NODE_FAIL|None|100|160|n1\n");
    EXPECT_EQ(status(*r).reason,
              "a node failed; its logs did not all get to the store: they are in " + r->logs);
}

TEST_F(backend_slurm, what_a_run_makes_is_sent_while_it_goes_on) {
    store_.sent = home_ / "sent";
    auto script_of = [&](const char* mode) {
        config_.mappings = {{.key = "output_folder",
                             .folder = "output",
                             .account_file = "a.yaml",
                             .path = "o",
                             .mode = mode}};
        return text_of(submitted().folder + "/job.sh");
    };
    project_.write("key", "a2V5\n");
    project_.write("a.yaml", "account_name: acme\ncontainer_name: c\naccount_key: file:key\n");
    EXPECT_THAT(script_of("upload"), HasSubstr(" agent deliver-meanwhile \"$run/spec.json\" $$ &\n"));
    EXPECT_THAT(script_of(""), ::testing::Not(HasSubstr("agent deliver")));
    auto seconds = [&] { return agent::read_spec(submitted().folder + "/spec.json")->delivery_seconds; };
    config_.mappings.clear();
    EXPECT_EQ(seconds(), 30);
    config_.other["slurm.upload_seconds"] = "5";
    EXPECT_EQ(seconds(), 5);
    config_.other["slurm.upload_seconds"] = "0";
    EXPECT_THAT(submit(*slurm(), {"true"}).error().message(),
                HasSubstr("slurm.upload_seconds cannot be '0'"));
}

TEST_F(backend_slurm, a_job_of_an_interrupted_submission_is_found_again) {
    auto r = submitted();
    without_id(r);
    answer("squeue", "7|N/A|something else\n55|N/A|act:" + r.id + "\n");
    // The same answer is no state, so the job counts as forgotten; what matters is its id.
    auto now_is = status(r);
    EXPECT_EQ(now_is.backend_id, "55");
    EXPECT_THAT(home_.read("calls"), HasSubstr("<--me>"));
    EXPECT_THAT(home_.read("calls"), HasSubstr("<--jobs=55>"));
}

TEST_F(backend_slurm, one_that_was_never_handed_over_fails_after_a_while) {
    auto r = submitted();
    without_id(r);
    EXPECT_EQ(status(r).state, runs::state::queued);
    EXPECT_EQ(runtime_.run(slurm()->cancel(r, {}))->state, runs::state::canceled);
    EXPECT_FALSE(std::filesystem::exists(r.folder + "/spec.json")) << "it may come yet, and must not run";
    // An array takes its time before the script is written, and sbatch after that.
    auto all = *runtime_.run(slurm()->submit_all(sweep(2), 0, {}));
    for (const auto& x : all) without_id(x, std::chrono::hours(1));
    EXPECT_EQ(status(all[1]).state, runs::state::queued);
    const std::filesystem::path script = all[0].folder + "/job.sh";
    std::filesystem::last_write_time(script,
                                     std::filesystem::last_write_time(script) - std::chrono::minutes(20));
    EXPECT_EQ(status(all[1]).reason, "it was never handed over to Slurm");
    EXPECT_FALSE(std::filesystem::exists(all[1].folder + "/spec.json"));
}

TEST_F(backend_slurm, who_looks_for_a_job_does_not_ask_at_every_look) {
    auto r = submitted();
    without_id(r);
    home_.write("calls", "");
    auto d = slurm();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(runtime_.run(d->status(r, {}))->state, runs::state::queued);
    std::string calls = home_.read("calls");
    // Seconds lie between two questions, more looks than that are made at once.
    EXPECT_LT(std::count(calls.begin(), calls.end(), '\n'), 5);
}

TEST_F(backend_slurm, an_interrupted_submission_may_have_been_heard) {
    answer("sbatch", "", 1, "sbatch: error: Socket timed out on send/recv operation\n");
    auto r = submit(*slurm(), {"true"});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::unavailable);
    auto kept = (*journal_.list())[0];
    EXPECT_EQ(kept.state, runs::state::queued);
    EXPECT_THAT(kept.reason, HasSubstr("its submission was interrupted"));
    EXPECT_TRUE(std::filesystem::exists(kept.folder + "/spec.json"));
    answer("squeue", "55|N/A|act:" + kept.id + "\n");
    EXPECT_EQ(status(kept).backend_id, "55");
    answer("sbatch", "Submitted\n");
    auto unread = submit(*slurm(), {"true"});
    EXPECT_EQ(unread.error().kind(), kind::unavailable);
    EXPECT_THAT(unread.error().message(), HasSubstr("does not tell the job's id: Submitted"));
    EXPECT_EQ((*journal_.list())[0].state, runs::state::queued);
}

/// The first call of the program lasts until something else has been done.
class backend_slurm_meanwhile : public backend_slurm {
protected:
    void during(const std::string& program, std::function<void()> work) {
        const std::string called = home_ / "called", go = home_ / "go";
        for (const auto& path : {called, go}) ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
        fake(program, "[ -e " + (home_ / "was") + " ] || { : > " + (home_ / "was") + "; echo > " + called +
                          "; read x < " + go + "; }\n");
        meanwhile_ = std::thread([=] {
            text_of(called);
            work();
            std::ofstream(go) << "go\n";
        });
    }
    void TearDown() override {
        if (meanwhile_.joinable()) meanwhile_.join();
    }
    /// Of another process.
    runs::journal other() { return *runs::journal::open(journal_.folder()); }
    std::thread meanwhile_;
};

TEST_F(backend_slurm_meanwhile, a_job_that_got_its_id_while_it_was_cancelled_is_cancelled) {
    auto r = submitted();
    without_id(r);
    during("squeue", [&] { EXPECT_TRUE(other().update(r.id, [](auto& x) { x.backend_id = "123"; })); });
    fake("scancel", "echo '123|123|CANCELLED|None|100|160|n1' > " + (home_ / "squeue.out") + "\n");
    auto ended = runtime_.run(slurm()->cancel(r, {}));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
    EXPECT_THAT(home_.read("calls"), HasSubstr("scancel <123>\n"));
}

TEST_F(backend_slurm_meanwhile, one_that_is_cancelled_before_it_has_an_id_is_cancelled_then) {
    answer("scancel", "", 1, "scancel: error: Access/permission denied\n");
    std::string run;
    during("sbatch", [&] {
        run = (*other().list())[0].id;
        EXPECT_TRUE(other().update(run, [](auto& x) { x.state = runs::state::canceled; }));
    });
    answer("sbatch", "123\n");
    auto r = submit(*slurm(), {"true"});
    ASSERT_FALSE(r) << "it runs on";
    EXPECT_THAT(r.error().message(), HasSubstr("did not end job 123: Access/permission denied"));
    EXPECT_THAT(home_.read("calls"), HasSubstr("scancel <123>\n"));
    EXPECT_FALSE(std::filesystem::exists(journal_.find(run)->folder + "/spec.json"));
}

TEST_F(backend_slurm_meanwhile, one_that_was_found_again_is_not_given_up) {
    std::string run;
    during("sbatch", [&] {
        run = (*other().list())[0].id;
        EXPECT_TRUE(other().update(run, [](auto& x) { x.backend_id = "123"; }));
    });
    answer("sbatch", "", 1, "sbatch: error: an answer that came to nothing\n");
    EXPECT_FALSE(submit(*slurm(), {"true"}));
    auto kept = *journal_.find(run);
    EXPECT_EQ(kept.state, runs::state::queued);
    EXPECT_TRUE(std::filesystem::exists(kept.folder + "/spec.json"));
}

}  // namespace
}  // namespace act::testing
