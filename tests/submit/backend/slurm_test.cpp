#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slurm_jobs.hpp"
#include "submit/agent/agent.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(backend_slurm, a_job_is_handed_over_with_its_script) {
    config_.other["slurm.partition"] = "gpu";
    config_.sleep_if_fail = true;
    auto r = submitted();
    EXPECT_EQ(r.backend_id, "123");
    EXPECT_EQ(r.state, runs::state::queued);
    EXPECT_EQ(r.platform, "slurm");
    EXPECT_EQ(home_.read("calls"), "sbatch <--parsable> <" + r.folder + "/job.sh>\n");
    std::string script = text_of(r.folder + "/job.sh");
    EXPECT_THAT(script, HasSubstr("#SBATCH --partition=gpu\n"));
    EXPECT_THAT(script, HasSubstr("#SBATCH --job-name=python\n"));
    EXPECT_THAT(script, HasSubstr("run='" + r.folder + "'\n"));
    auto at = script.find("'" + journal_.folder() + "/agent/act-");
    ASSERT_NE(at, std::string::npos);
    std::string agent = script.substr(at + 1, script.find('\'', at + 1) - at - 1);
    EXPECT_EQ(text_of(agent), "#!/bin/sh\n");
    auto spec = agent::read_spec(r.folder + "/spec.json");
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->command, (std::vector<std::string>{"python", "train.py"}));
    EXPECT_EQ(spec->work, r.folder);
    EXPECT_TRUE(spec->ranked && spec->sleep_if_fail);
}

TEST_F(backend_slurm, the_record_names_what_the_job_needs_of_the_cache) {
    config_.mappings = {{.key = "data_folder", .folder = "data", .account_file = "a", .path = "p/data"}};
    store_.blobs = {{"p/data/x", "X"}};
    auto r = submitted();
    auto spec = agent::read_spec(r.folder + "/spec.json");
    ASSERT_TRUE(spec);
    EXPECT_EQ(spec->links.at(0).target, home_ / (".cache/act/data/" + r.details["data"]));
}

TEST_F(backend_slurm, nodes_are_looked_at_where_that_is_asked_for) {
    layout_ = {.gpus = 8, .nodes = 2, .processes_per_node = 4};
    auto asked = [this] { return agent::read_spec(submitted().folder + "/spec.json")->check; };
    EXPECT_EQ(asked().gpus, 0);
    config_.other["node_check.disk"] = "20G";
    config_.other["node_check.gpus"] = "true";
    EXPECT_EQ(asked().gpus, 4);
    EXPECT_EQ(asked().disk, 20 * GiB);
    config_.other["node_check.gpus"] = "false";
    EXPECT_EQ(asked().gpus, 0);
    for (const char* key : {"node_check.disk", "node_check.gpus", "node_check"}) {
        config_.other[key] = "perhaps";
        auto r = submit(*slurm(), {"true"});
        ASSERT_FALSE(r) << key;
        EXPECT_THAT(r.error().message(), HasSubstr(std::string(key) + " cannot be 'perhaps'"));
        config_.other.erase(key);
    }
}

TEST_F(backend_slurm, gpus_are_watched_unless_that_is_not_wanted) {
    auto seconds = [this] {
        return agent::read_spec(submitted().folder + "/spec.json")->gpu_monitor_seconds;
    };
    EXPECT_EQ(seconds(), 0) << "there are none";
    layout_ = {.gpus = 8, .nodes = 2, .processes_per_node = 4};
    EXPECT_EQ(seconds(), 300);
    config_.other["gpu_monitor"] = "1m";
    EXPECT_EQ(seconds(), 60);
    for (const char* none : {"0", "off", "false"}) {
        config_.other["gpu_monitor"] = none;
        EXPECT_EQ(seconds(), 0) << none;
    }
    for (const char* wrong : {"often", "-5m", "10ms", "2d"}) {
        config_.other["gpu_monitor"] = wrong;
        auto r = submit(*slurm(), {"true"});
        ASSERT_FALSE(r) << wrong;
        EXPECT_THAT(r.error().message(), HasSubstr("gpu_monitor cannot be '" + std::string(wrong) + "'"));
    }
}

TEST_F(backend_slurm, nothing_secret_reaches_the_script_or_sbatch) {
    config_.env = {{"API_TOKEN", "not-a-real-token"}};
    more_ = {{"AZURE_STORAGE_KEY", "not-a-real-key"},
             {"MY_PASSWORD", "not-a-real-word"},
             {"ACT_RANK", "3"},
             {"MODULES", "loaded"}};
    fake("sbatch", "env > " + (home_ / "environment") + "\n");
    answer("sbatch", "123\n");
    auto r = submitted();
    std::string environment = home_.read("environment");
    EXPECT_THAT(environment, HasSubstr("MODULES=loaded\n"));
    EXPECT_THAT(environment, Not(HasSubstr("not-a-real")));
    EXPECT_THAT(environment, Not(HasSubstr("ACT_RANK")));
    EXPECT_THAT(text_of(r.folder + "/job.sh"), Not(HasSubstr("not-a-real")));
    EXPECT_THAT(text_of(r.folder + "/spec.json"), HasSubstr("not-a-real-token"));
    leave(r, "started", "123 100 n1\n");
    leave(r, "ended", "0 160\n");
    EXPECT_EQ(status(r).state, runs::state::completed);
    EXPECT_FALSE(std::filesystem::exists(r.folder + "/spec.json"));
}

TEST_F(backend_slurm, a_machine_without_slurm_is_told) {
    path_ = home_ / "nowhere";
    auto r = submit(*slurm(), {"true"});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::configuration);
    EXPECT_THAT(r.error().message(), HasSubstr("there is no sbatch on this machine"));
    EXPECT_THAT(r.error().advice(), HasSubstr("ssh: user@host"));
}

TEST_F(backend_slurm, the_state_is_squeues_until_the_job_has_left_its_own) {
    auto r = submitted();
    answer("squeue", "123|123|PENDING|Priority|N/A|N/A|\n");
    EXPECT_EQ(status(r).reason, "waits for jobs of higher priority (Priority)");
    answer("squeue", "123|123|RUNNING|None|100|NONE|n1\n");
    EXPECT_EQ(status(r).state, runs::state::running);
    EXPECT_EQ(status(r).node, "n1");
    EXPECT_EQ(journal_.find(r.id)->state, runs::state::running);
    leave(r, "started", "123 100 n1\n");
    leave(r, "ended", "3 160\n");
    home_.write("calls", "");
    auto ended = status(r);
    EXPECT_EQ(ended.state, runs::state::failed);
    EXPECT_EQ(backend::exit_code_of(ended), 3);
    EXPECT_EQ(home_.read("calls"), "");
}

TEST_F(backend_slurm, accounting_is_asked_when_squeue_has_forgotten) {
    auto r = submitted();
    answer("squeue", "", 1, "slurm_load_jobs error: Invalid job id specified\n");
    answer("sacct", "123|123|TIMEOUT|0:0|100|160|n1|None\n");
    EXPECT_EQ(status(r).reason, "its time limit was reached");
    EXPECT_THAT(home_.read("calls"),
                HasSubstr("sacct <--noheader> <--parsable2> <--allocations> <--jobs=123>"));
}

TEST_F(backend_slurm, without_accounting_it_says_what_it_can) {
    auto r = submitted();
    answer("squeue", "");
    EXPECT_THAT(status(r).reason, HasSubstr("left no trace"));
}

TEST_F(backend_slurm, a_controller_that_does_not_answer_changes_nothing) {
    auto r = submitted();
    answer("squeue", "", 1, "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n");
    auto now_is = runtime_.run(slurm()->status(r, {}));
    ASSERT_FALSE(now_is);
    EXPECT_EQ(now_is.error().kind(), kind::unavailable);
    EXPECT_EQ(journal_.find(r.id)->state, runs::state::queued);
}

TEST_F(backend_slurm, whoever_follows_a_run_waits_for_the_controller) {
    auto r = submitted();
    fake("squeue", "[ -e " + (home_ / "up") + " ] || { : > " + (home_ / "up") +
                       "; echo 'error: Unable to contact slurm controller' >&2; exit 1; }\n");
    answer("squeue", "123|123|CANCELLED|None|100|160|n1\n");
    auto d = slurm();
    auto ended = runtime_.run(backend::follow(*d, r, nullptr, until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
}

TEST_F(backend_slurm, so_does_whoever_follows_one_process) {
    auto r = submitted();
    fake("squeue", "[ -e " + (home_ / "up") + " ] || { : > " + (home_ / "up") +
                       "; echo 'error: Unable to contact slurm controller' >&2; exit 1; }\n");
    answer("squeue", "123|123|CANCELLED|None|100|160|n1\n");
    std::ofstream(r.logs + "/stdout-2.txt") << "two\n";
    std::ofstream(r.logs + "/stderr-2.txt") << "bad\n";
    std::string out, err;
    auto sink = [&](backend::stream s, std::string_view text) {
        (s == backend::stream::out ? out : err) += text;
    };
    auto d = slurm();
    auto ended = runtime_.run(backend::follow(*d, r, backend::logs_of_rank(runtime_, 2), sink,
                                              until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
    EXPECT_EQ(out, "two\n");
    EXPECT_EQ(err, "bad\n");
}

TEST_F(backend_slurm, the_controller_is_not_asked_at_every_look) {
    auto r = submitted();
    answer("squeue", "123|123|RUNNING|None|100|NONE|n1\n");
    home_.write("calls", "");
    auto d = slurm();
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(runtime_.run(d->status(r, {})));
    std::string calls = home_.read("calls");
    EXPECT_THAT(calls, StartsWith("squeue"));
    EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 1);
}

TEST_F(backend_slurm, a_cancelled_run_is_confirmed_by_its_state) {
    auto r = submitted();
    answer("squeue", "123|123|RUNNING|None|100|NONE|n1\n");
    fake("scancel", "echo '123|123|CANCELLED|None|100|160|n1' > " + (home_ / "squeue.out") + "\n");
    auto ended = runtime_.run(slurm()->cancel(r, {}));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
    EXPECT_EQ(ended->reason, "cancelled");
    EXPECT_EQ(backend::exit_code_of(*ended), 130);
    EXPECT_THAT(home_.read("calls"), HasSubstr("scancel <123>\n"));
    home_.write("calls", "");
    EXPECT_EQ(runtime_.run(slurm()->cancel(r, {}))->state, runs::state::canceled);
    EXPECT_EQ(home_.read("calls"), "");
}

TEST_F(backend_slurm, what_may_not_be_cancelled_is_told) {
    auto r = submitted();
    answer("squeue", "123|123|RUNNING|None|100|NONE|n1\n");
    answer("scancel", "", 1, "scancel: error: Kill job error on job id 123: Access/permission denied\n");
    auto ended = runtime_.run(slurm()->cancel(r, {}));
    ASSERT_FALSE(ended);
    EXPECT_THAT(ended.error().message(), HasSubstr("Access/permission denied"));
}

TEST_F(backend_slurm, a_very_long_sweep_is_several_arrays_one_after_the_other) {
    auto all = runtime_.run(slurm()->submit_all(sweep(1001), 5, {}));
    ASSERT_TRUE(all) << all.error().describe();
    ASSERT_EQ(all->size(), 1001u);
    EXPECT_THAT(text_of(all->front().folder + "/job.sh"), HasSubstr("#SBATCH --array=0-999%5\n"));
    EXPECT_EQ((*all)[999].backend_id, "123_999");
    EXPECT_THAT(text_of(all->back().folder + "/job.sh"), HasSubstr("#SBATCH --dependency=afterany:123\n"));
    EXPECT_EQ(all->back().backend_id, "123");
}

TEST_F(backend_slurm, jobs_of_a_sweep_are_one_array) {
    auto jobs = sweep(3);
    auto all = runtime_.run(slurm()->submit_all(jobs, 2, {}));
    ASSERT_TRUE(all) << all.error().describe();
    ASSERT_EQ(all->size(), 3u);
    std::string calls = home_.read("calls");
    EXPECT_EQ(std::count(calls.begin(), calls.end(), '\n'), 1);
    std::string script = text_of(all->front().folder + "/job.sh");
    EXPECT_THAT(script, HasSubstr("#SBATCH --array=0-2%2\n"));
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ((*all)[i].backend_id, "123_" + std::to_string(i));
        EXPECT_EQ((*all)[i].point, "i=" + std::to_string(i));
        EXPECT_THAT(script, HasSubstr(std::to_string(i) + ") run='" + (*all)[i].folder + "' ;;\n"));
        EXPECT_EQ(agent::read_spec((*all)[i].folder + "/spec.json")->command[1], std::to_string(i));
    }
    // The last one, whose id was not written down.
    ASSERT_TRUE(journal_.update((*all)[2].id, [](runs::record& x) { x.backend_id.clear(); }));
    answer("squeue", "123|1|act:" + (*all)[0].id + "\n123|2|act:" + (*all)[0].id + "\n");
    EXPECT_EQ(status((*all)[2]).backend_id, "123_2");
    jobs[1].layout.nodes = 2;
    EXPECT_EQ(runtime_.run(slurm()->submit_all(jobs, 0, {})).error().kind(), kind::usage);
    EXPECT_TRUE(runtime_.run(slurm()->submit_all({}, 0, {}))->empty());
}

TEST_F(backend_slurm, through_ssh_the_words_arrive_as_they_are) {
    config_.other["slurm.ssh"] = "me@login";
    home_.write("bin/ssh",
                "#!/bin/sh\nprintf '%s\\n' \"$1\" \"$2\" \"$3\" \"$4\" >> " + (home_ / "ssh") +
                    "\nshift 4\n[ $# = 1 ] && exec sh -c \"$1\"\n",
                0755);
    auto r = submitted();
    EXPECT_EQ(home_.read("ssh"), "-o\nBatchMode=yes\n--\nme@login\n");
    EXPECT_EQ(home_.read("calls"), "sbatch <--parsable> <" + r.folder + "/job.sh>\n");
    answer("squeue", "123|123|RUNNING|None|100|NONE|n1\n");
    // Without the cluster file, by what the record keeps.
    auto s = services();
    s.environment["PATH"] = (home_ / "bin") + ":/usr/bin:/bin";
    auto d = backend::make_driver(r, s);
    ASSERT_TRUE(d);
    EXPECT_EQ(runtime_.run((*d)->status(r, {}))->state, runs::state::running);
    EXPECT_THAT(home_.read("calls"), HasSubstr("<--format> <%i|%A|%T|%r|%S|%e|%N>"));
    home_.write("bin/ssh",
                "#!/bin/sh\necho 'ssh: connect to host login port 22: No route to host' >&2\nexit 255\n",
                0755);
    auto lost = runtime_.run(slurm()->status(r, {}));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind(), kind::unavailable);
    EXPECT_THAT(lost.error().message(), HasSubstr("cannot reach me@login: ssh: connect to host"));
}

TEST_F(backend_slurm, logs_are_read_where_the_job_writes_them) {
    auto r = submitted();
    std::ofstream(r.logs + "/stdout.txt") << "out\n";
    std::ofstream(r.logs + "/stderr.txt") << "err\n";
    std::ofstream(r.logs + "/stdout-1.txt") << "another rank\n";
    std::ofstream(r.logs + "/slurm.txt") << "srun: error: x\n";
    backend::log_position position;
    std::vector<std::string> seen;
    auto sink = [&](backend::stream s, std::string_view text) {
        seen.push_back((s == backend::stream::out ? "1" : "2") + std::string(text));
    };
    auto d = slurm();
    EXPECT_TRUE(runtime_.run(d->logs(r, position, sink, {})));
    EXPECT_THAT(seen, ElementsAre("1out\n", "2err\n", "2srun: error: x\n"));
    EXPECT_TRUE(runtime_.run(d->logs(r, position, sink, {})));
    EXPECT_EQ(seen.size(), 3u);
}

}  // namespace
}  // namespace act::testing
