#include <csignal>
#include <stdlib.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs.hpp"
#include "submit/agent/supervise.hpp"

namespace act::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Each test once with plain processes, once with mpirun where that is installed.
class processes : public jobs_test, public ::testing::WithParamInterface<const char*> {
protected:
    void SetUp() override {
        if (GetParam() == std::string("mpirun") && std::system("command -v mpirun > /dev/null") != 0)
            GTEST_SKIP() << "mpirun is not installed";
        if (GetParam() == std::string("plain")) config_.other["local.mpirun"] = "false";
    }
    /// What so many processes write. Open for both, so that no reader goes between two of them, which the
    /// later one would not survive.
    static std::vector<long> pids_from(const std::string& fifo, std::size_t count) {
        std::fstream in(fifo, std::ios::in | std::ios::out);
        std::vector<long> pids(count);
        for (long& pid : pids) in >> pid;
        EXPECT_TRUE(in);
        return pids;
    }
    std::string log(const runs::record& r, const std::string& name) {
        std::ifstream in(r.logs + "/" + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

INSTANTIATE_TEST_SUITE_P(backend, processes, ::testing::Values("plain", "mpirun"),
                         [](const auto& info) { return info.param; });

TEST_P(processes, each_knows_its_place) {
    layout_ = {.nodes = 2, .processes_per_node = 2};
    auto r =
        run({"sh", "-c",
             "echo $RANK of $WORLD_SIZE: $LOCAL_RANK of $LOCAL_WORLD_SIZE on $NODE_RANK of $ACT_NODES, "
             "$MASTER_ADDR ${MASTER_PORT:+port} $AZ_BATCH_HOST_LIST $AZ_BATCHAI_TASK_INDEX; echo bad >&2; "
             "[ \"$ACT_RANK/$ACT_WORLD_SIZE $ACT_MASTER_PORT\" = \"$RANK/4 $MASTER_PORT\" ]"});
    EXPECT_EQ(r.state, runs::state::completed) << r.reason << err_;
    const char* rest = "127.0.0.1 port 127.0.0.1,127.0.0.1 ";
    EXPECT_EQ(log(r, "stdout.txt"), std::string("0 of 4: 0 of 2 on 0 of 2, ") + rest + "0\n");
    EXPECT_EQ(log(r, "stdout-1.txt"), std::string("1 of 4: 1 of 2 on 0 of 2, ") + rest + "1\n");
    EXPECT_EQ(log(r, "stdout-3.txt"), std::string("3 of 4: 1 of 2 on 1 of 2, ") + rest + "3\n");
    EXPECT_EQ(log(r, "stderr-2.txt"), "bad\n");
    EXPECT_EQ(out_, log(r, "stdout.txt"));
    EXPECT_EQ(r.nodes, 2);
    EXPECT_EQ(r.processes_per_node, 2);
}

TEST_P(processes, one_that_fails_ends_the_others_and_gives_the_code) {
    layout_ = {.nodes = 1, .processes_per_node = 3};
    auto r = run({"sh", "-c", "[ $RANK = 1 ] && exit 7; exec sleep 1000"});
    EXPECT_EQ(r.state, runs::state::failed);
    EXPECT_EQ(r.exit_code, 7);
    if (GetParam() == std::string("plain"))
        EXPECT_EQ(r.reason,
                  "process 1 of 3 ended with code 7; its output is in stdout-1.txt and stderr-1.txt");
}

TEST_P(processes, cancelling_ends_all_of_them) {
    layout_ = {.nodes = 3, .processes_per_node = 1};
    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "echo $$ > " + (home_ / "fifo") + "; exec sleep 1000"});
    ASSERT_TRUE(r) << r.error().describe();
    const auto pids = pids_from(home_ / "fifo", 3);
    auto ended = runtime_.run(d->cancel(*r, until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
    for (long pid : pids) EXPECT_FALSE(agent::process_started(pid));
}

TEST_P(processes, none_outlives_its_supervisor) {
    layout_ = {.nodes = 2, .processes_per_node = 1};
    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "trap '' TERM; echo $$ > " + (home_ / "fifo") + "; exec sleep 1000"});
    ASSERT_TRUE(r);
    const auto pids = pids_from(home_ / "fifo", 2);
    ASSERT_TRUE(agent::signal_process(r->pid, r->pid_started, SIGKILL));
    for (long pid : pids) {
        while (agent::process_started(pid)) std::this_thread::yield();
    }
}

TEST_P(processes, arguments_and_secrets_arrive_without_a_trace) {
    layout_ = {.nodes = 1, .processes_per_node = 2};
    job_env_ = {{"API_TOKEN", "not-a-real-token"}};
    std::vector<std::string> awkward = {"",  " ",     "a  b", "'",    "\"", "\n",
                                        "*", "$HOME", ";",    "\xff", "-n", std::string(100 * 1000, 'x')};
    std::vector<std::string> command = {
        "sh", "-c", "for a in \"$API_TOKEN\" \"$@\"; do printf '%s\\0' \"$a\"; done | sha256sum", "sh"};
    command.insert(command.end(), awkward.begin(), awkward.end());
    auto r = run(command);
    EXPECT_EQ(r.exit_code, 0) << r.reason << err_;
    EXPECT_EQ(log(r, "stdout.txt"), log(r, "stdout-1.txt"));
    layout_ = {};
    auto single = run(command);
    EXPECT_EQ(log(single, "stdout.txt"), log(r, "stdout-1.txt"));
    for (const auto& e : std::filesystem::recursive_directory_iterator(home_.path())) {
        if (!e.is_regular_file()) continue;
        std::ifstream in(e.path(), std::ios::binary);
        std::string text{std::istreambuf_iterator<char>(in), {}};
        EXPECT_THAT(text, Not(HasSubstr("not-a-real-token"))) << e.path();
    }
    EXPECT_EQ(journal_.find(r.id)->env.count("API_TOKEN"), 0u);
}

TEST_P(processes, an_upgrade_does_not_keep_one_that_waits_from_starting) {
    layout_ = {.nodes = 1, .processes_per_node = 2};
    auto s = services();
    std::error_code elsewhere;
    std::filesystem::create_hard_link(s.executable, home_ / "act", elsewhere);
    if (elsewhere) std::filesystem::copy_file(s.executable, home_ / "act");
    s.executable = home_ / "act";
    auto d = *backend::make_driver(config_, s);
    std::vector<backend::job> two = {job_of({"sleep", "1000"}), job_of({"sh", "-c", "echo $RANK"})};
    for (auto& j : two) j.group = "g";
    auto all = runtime_.run(d->submit_all(std::move(two), 1, {}));
    ASSERT_TRUE(all) << all.error().describe();
    EXPECT_EQ((*all)[1].state, runs::state::queued);
    std::filesystem::remove(home_ / "act");
    const auto limit = until{}.within(std::chrono::seconds(60));
    EXPECT_TRUE(runtime_.run(d->cancel((*all)[0], limit)));
    auto ended = runtime_.run(backend::follow(*d, (*all)[1], nullptr, limit));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::completed) << ended->reason << log(*ended, "stderr.txt");
    EXPECT_EQ(log(*ended, "stdout-1.txt"), "1\n");
}

class local_jobs : public jobs_test {
protected:
    /// A machine whose driver lists so many GPUs.
    void pretend_gpus(int count) {
        std::string list = "#!/bin/sh\n";
        for (int i = 0; i < count; ++i)
            list += "echo 'GPU " + std::to_string(i) + ": Imagined (UUID: GPU-0)'\n";
        home_.write("bin/nvidia-smi", list, 0755);
        old_path_ = ::getenv("PATH");
        ::setenv("PATH", (home_ / "bin" + ":" + old_path_).c_str(), 1);
    }
    ~local_jobs() override {
        if (!old_path_.empty()) ::setenv("PATH", old_path_.c_str(), 1);
    }
    void map(const std::string& folder, const std::string& mode) {
        config_.builtin_local = false;
        config_.mappings = {
            {.key = folder + "_folder", .folder = folder, .account_file = "a", .path = "p", .mode = mode}};
    }
    std::vector<backend::job> jobs(const std::vector<std::vector<std::string>>& commands) {
        std::vector<backend::job> out;
        for (const auto& command : commands) {
            out.push_back(job_of(command));
            out.back().group = "g";
        }
        return out;
    }
    runs::record submit_one(backend::driver& d, std::vector<std::string> command, unsigned max_parallel) {
        std::vector<backend::job> one;
        one.push_back(job_of(std::move(command)));
        auto all = runtime_.run(d.submit_all(std::move(one), max_parallel, {}));
        EXPECT_TRUE(all) << all.error().describe();
        return all ? all->front() : runs::record{};
    }
    result<runs::record> end_of(backend::driver& d, const runs::record& r) {
        return runtime_.run(backend::follow(d, r, nullptr, until{}.within(std::chrono::seconds(60))));
    }
    std::string old_path_;
};

TEST_F(local_jobs, gpus_are_dealt_out) {
    pretend_gpus(4);
    config_.other["local.mpirun"] = "false";
    layout_ = {.gpus = 4, .nodes = 1, .processes_per_node = 2};
    auto r = run({"sh", "-c", "echo $CUDA_VISIBLE_DEVICES $AZ_BATCHAI_NUM_GPUS"});
    EXPECT_EQ(out_, "0,1 4\n");
    std::ifstream second(r.logs + "/stdout-1.txt");
    std::string line;
    std::getline(second, line);
    EXPECT_EQ(line, "2,3 4");
    layout_ = {};
    run({"sh", "-c", "echo ${CUDA_VISIBLE_DEVICES-unset}"});
    EXPECT_EQ(out_, "unset\n");
}

TEST_F(local_jobs, without_gpus_nothing_is_said_of_them) {
    pretend_gpus(0);
    layout_ = {.gpus = 2, .nodes = 1, .processes_per_node = 1};
    run({"sh", "-c", "echo ${CUDA_VISIBLE_DEVICES-unset}"});
    EXPECT_EQ(out_, "unset\n");
}

TEST_F(local_jobs, runs_of_a_queue_have_different_gpus) {
    pretend_gpus(2);
    layout_ = {.gpus = 1, .nodes = 1, .processes_per_node = 1};
    for (const char* name : {"a", "b"}) ASSERT_EQ(::mkfifo((home_ / name).c_str(), 0600), 0);
    auto d = driver();
    // Opening a pipe waits for the other end: both are at work at once.
    auto both =
        runtime_.run(d->submit_all(jobs({{"sh", "-c", "echo $CUDA_VISIBLE_DEVICES > " + (home_ / "a")},
                                         {"sh", "-c", "echo $CUDA_VISIBLE_DEVICES > " + (home_ / "b")}}),
                                   0, {}));
    ASSERT_TRUE(both) << both.error().describe();
    std::set<std::string> seen;
    for (const char* name : {"a", "b"}) {
        std::ifstream in(home_ / name);
        std::string line;
        std::getline(in, line);
        seen.insert(line);
    }
    EXPECT_THAT(seen, ElementsAre("0", "1"));
}

TEST_F(local_jobs, runs_that_ask_for_different_numbers_have_different_gpus_too) {
    pretend_gpus(4);
    auto d = driver();
    auto begin = [&](const std::string& name, int gpus) {
        EXPECT_EQ(::mkfifo((home_ / name).c_str(), 0600), 0);
        layout_ = {.gpus = gpus, .nodes = 1, .processes_per_node = 1};
        return submit_one(*d, {"sh", "-c", "echo $CUDA_VISIBLE_DEVICES > " + (home_ / name) + "; sleep 1000"},
                          4);
    };
    auto gpus_of = [&](const std::string& name) {
        std::ifstream in(home_ / name);
        std::string line;
        std::getline(in, line);
        return line;
    };
    auto two = begin("two", 2), one = begin("one", 1), many = begin("many", 3);
    EXPECT_EQ(gpus_of("two"), "0,1");
    EXPECT_EQ(gpus_of("one"), "2");
    EXPECT_EQ(many.state, runs::state::queued) << "there are places, but no GPUs";
    EXPECT_TRUE(runtime_.run(d->cancel(two, until{}.within(std::chrono::seconds(60)))));
    EXPECT_EQ(gpus_of("many"), "0,1,3");
    for (const auto& r : {one, many})
        EXPECT_TRUE(runtime_.run(d->cancel(r, until{}.within(std::chrono::seconds(60)))));
}

TEST_F(local_jobs, runs_of_all_queues_and_of_none_have_different_gpus) {
    pretend_gpus(3);
    layout_ = {.gpus = 1, .nodes = 1, .processes_per_node = 1};
    auto d = driver();
    std::vector<runs::record> all;
    // The first two have queues of their own, the others none.
    for (const char* name : {"a", "b", "c", "d"}) {
        ASSERT_EQ(::mkfifo((home_ / name).c_str(), 0600), 0);
        auto one = jobs({{"sh", "-c", "echo $CUDA_VISIBLE_DEVICES > " + (home_ / name) + "; sleep 1000"}});
        auto begun = runtime_.run(d->submit_all(std::move(one), all.size() < 2 ? 1 : 0, {}));
        ASSERT_TRUE(begun) << begun.error().describe();
        all.push_back(begun->front());
        std::ifstream in(home_ / name);
        std::string line;
        std::getline(in, line);
        EXPECT_EQ(line, std::to_string((all.size() - 1) % 3)) << "there are three, so the fourth shares one";
    }
    EXPECT_NE(all[0].details.at(backend::detail::queue), all[1].details.at(backend::detail::queue));
    for (const auto& r : all)
        EXPECT_TRUE(runtime_.run(d->cancel(r, until{}.within(std::chrono::seconds(60)))));
}

TEST_F(local_jobs, no_more_than_allowed_run_at_once_and_all_get_their_turn) {
    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    const std::string command = "read x < " + (home_ / "fifo") + "; echo $ACT_RUN_ID";
    auto d = driver();
    auto all = runtime_.run(
        d->submit_all(jobs(std::vector<std::vector<std::string>>(5, {"sh", "-c", command})), 1, {}));
    ASSERT_TRUE(all) << all.error().describe();
    auto count = [&](runs::state wanted) {
        int n = 0;
        for (const auto& r : *all) n += journal_.find(r.id)->state == wanted;
        return n;
    };
    EXPECT_EQ(count(runs::state::running), 1);
    EXPECT_EQ(count(runs::state::queued), 4);
    for (int turn = 0; turn < 5; ++turn) {
        EXPECT_LE(count(runs::state::running), 1);
        std::ofstream(home_ / "fifo") << "go\n";
        while (count(runs::state::completed) <= turn) std::this_thread::yield();
    }
    for (const auto& r : *all) EXPECT_EQ(end_of(*d, r)->state, runs::state::completed);
    EXPECT_EQ(journal_.find(all->front().id)->group, "g");
}

TEST_F(local_jobs, a_killed_owner_gives_its_place_to_the_next) {
    auto d = driver();
    auto all = runtime_.run(d->submit_all(jobs({{"sleep", "1000"}, {"true"}}), 1, {}));
    ASSERT_TRUE(all);
    EXPECT_EQ((*all)[1].state, runs::state::queued);
    ASSERT_TRUE(agent::signal_process((*all)[0].pid, (*all)[0].pid_started, SIGKILL));
    EXPECT_EQ(end_of(*d, (*all)[1])->state, runs::state::completed);
}

TEST_F(local_jobs, one_that_waits_can_be_cancelled_or_lost) {
    auto d = driver();
    auto all = runtime_.run(d->submit_all(
        jobs({{"sleep", "1000"}, {"touch", home_ / "a"}, {"touch", home_ / "b"}, {"true"}}), 1, {}));
    ASSERT_TRUE(all);
    auto canceled = runtime_.run(d->cancel((*all)[1], until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(canceled) << canceled.error().describe();
    EXPECT_EQ(canceled->state, runs::state::canceled);
    while (agent::process_started((*all)[1].pid)) std::this_thread::yield();
    ASSERT_TRUE(agent::signal_process((*all)[2].pid, (*all)[2].pid_started, SIGKILL));
    auto lost = end_of(*d, (*all)[2]);
    EXPECT_EQ(lost->state, runs::state::failed);
    EXPECT_THAT(lost->reason, HasSubstr("supervisor"));
    EXPECT_TRUE(runtime_.run(d->cancel((*all)[0], until{}.within(std::chrono::seconds(60)))));
    EXPECT_EQ(end_of(*d, (*all)[3])->state, runs::state::completed);
    EXPECT_FALSE(home_.has("a"));
    EXPECT_FALSE(home_.has("b"));
}

TEST_F(local_jobs, single_runs_with_a_limit_share_a_queue) {
    auto d = driver();
    auto first = submit_one(*d, {"sleep", "1000"}, 1);
    auto second = submit_one(*d, {"true"}, 1);
    EXPECT_EQ(first.state, runs::state::running);
    EXPECT_EQ(second.state, runs::state::queued);
    // It may run beside the first, whoever waits for that.
    EXPECT_EQ(end_of(*d, submit_one(*d, {"true"}, 2))->state, runs::state::completed);
    EXPECT_EQ(journal_.find(second.id)->state, runs::state::queued);
    EXPECT_TRUE(runtime_.run(d->cancel(first, until{}.within(std::chrono::seconds(60)))));
    EXPECT_EQ(end_of(*d, second)->state, runs::state::completed);
}

TEST_F(local_jobs, one_that_comes_back_waits_in_its_queue) {
    auto d = driver();
    auto all = runtime_.run(d->submit_all(jobs({{"sleep", "1000"}, {"true"}}), 1, {}));
    ASSERT_TRUE(all) << all.error().describe();
    backend::job again = job_of({"true"});
    for (const char* key : {backend::detail::queue, backend::detail::places}) {
        EXPECT_EQ((*all)[0].details.at(key), (*all)[1].details.at(key));
        again.details[key] = (*all)[1].details.at(key);
    }
    auto back = runtime_.run(d->submit(std::move(again), {}));
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(back->state, runs::state::queued);
    EXPECT_EQ(back->details.at(backend::detail::queue), (*all)[0].folder + "/queue");
    EXPECT_TRUE(runtime_.run(d->cancel((*all)[0], until{}.within(std::chrono::seconds(60)))));
    EXPECT_EQ(end_of(*d, *back)->state, runs::state::completed);
}

TEST_F(local_jobs, one_that_waits_has_patience_with_a_disk) {
    // A folder in the place of a file stands for what cannot be written.
    for (const bool journal : {false, true}) {
        auto d = driver();
        auto all = runtime_.run(d->submit_all(jobs({{"sleep", "1000"}, {"true"}}), 1, {}));
        ASSERT_TRUE(all) << all.error().describe();
        const std::string broken =
            journal ? journal_.folder() + "/runs.lock" : (*all)[0].folder + "/queue/place-0";
        std::filesystem::rename(broken, home_ / "aside");
        std::filesystem::create_directory(broken);
        ASSERT_TRUE(agent::signal_process((*all)[0].pid, (*all)[0].pid_started, SIGKILL));
        std::string told;
        while (told.find(broken) == std::string::npos) {
            std::ifstream in((*all)[1].folder + "/supervisor.txt");
            std::getline(in, told, '\0');
        }
        EXPECT_EQ(journal_.find((*all)[1].id)->state, runs::state::queued);
        std::filesystem::remove(broken);
        std::filesystem::rename(home_ / "aside", broken);
        EXPECT_EQ(end_of(*d, (*all)[1])->state, runs::state::completed) << told;
    }
}

TEST_F(local_jobs, the_environment_names_the_places) {
    project_.write("my-data/x", "X");
    map("my-data", "");
    name_ = "a name";
    auto r = run({"sh", "-c",
                  "echo $ACT_INPUT_MY_DATA $ACT_OUTPUT_MY_DATA $AZ_BATCHAI_INPUT_MY_DATA; cat "
                  "$ACT_MOUNT_ROOT/my-data/x $AZ_BATCHAI_MOUNT_ROOT/my-data/x; echo; echo \"$ACT_RUN_NAME\" "
                  "$AZ_BATCHAI_STDOUTERR_DIR; cd $AZ_BATCHAI_JOB_TEMP && echo in"});
    const std::string at = project_ / "my-data";
    EXPECT_EQ(out_, at + " " + at + " " + at + "\nXX\na name " + r.logs + "\nin\n");
    job_env_ = {{"ACT_INPUT_MY_DATA", "mine"}};
    run({"sh", "-c", "echo $ACT_INPUT_MY_DATA"});
    EXPECT_EQ(out_, "mine\n");
}

TEST_F(local_jobs, outputs_get_to_the_store_however_the_run_ends) {
    map("output", "upload");
    store_.address = "https://a.example/c";
    store_.sent = home_ / "sent";
    auto r = run({"sh", "-c",
                  "echo made > output/x; echo $ACT_OUTPUT_OUTPUT $ACT_OUTPUT_OUTPUT_URL "
                  "${ACT_INPUT_OUTPUT-none}; exit 3"});
    EXPECT_EQ(r.exit_code, 3);
    EXPECT_EQ(out_, r.folder + "/outputs/output https://a.example/c/p/" + r.id + " none\n");
    EXPECT_EQ(home_.read("sent/p/" + r.id + "/x"), "made\n");
    EXPECT_FALSE(project_.has("output"));

    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    auto d = driver();
    auto started =
        submit(*d, {"sh", "-c", "echo kept > output/x; echo x > " + (home_ / "fifo") + "; sleep 1000"});
    ASSERT_TRUE(started);
    std::string line;
    std::ifstream fifo(home_ / "fifo");
    std::getline(fifo, line);
    auto ended = runtime_.run(d->cancel(*started, until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->state, runs::state::canceled);
    EXPECT_EQ(home_.read("sent/p/" + started->id + "/x"), "kept\n");
}

TEST_F(local_jobs, a_delivery_that_hangs_can_be_ended) {
    map("output", "upload");
    store_.sent = home_ / "sent";
    store_.script = "echo $$ > " + (home_ / "fifo") + "; exec sleep 1000";
    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    auto d = driver();
    auto r = submit(*d, {"true"});
    ASSERT_TRUE(r) << r.error().describe();
    std::string line;
    std::ifstream fifo(home_ / "fifo");
    std::getline(fifo, line);
    auto ended = runtime_.run(d->cancel(*r, until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::failed);
    EXPECT_THAT(ended->reason, HasSubstr("could not be brought to the store"));
}

TEST_F(local_jobs, outputs_get_to_the_store_while_the_run_goes_on) {
    map("output", "upload");
    config_.other["local.upload_seconds"] = "1";
    store_.sent = home_ / "sent";
    // It ends when what it made has arrived.
    auto r = run({"sh", "-c",
                  "echo made > output/x; until [ -s " + (home_ / "sent/p/$ACT_RUN_ID/x") + " ]; do :; done"});
    EXPECT_EQ(r.state, runs::state::completed);
    config_.other["local.upload_seconds"] = "soon";
    auto d = driver();
    auto refused = submit(*d, {"true"});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("local.upload_seconds cannot be 'soon'"));
}

TEST_F(local_jobs, outputs_that_do_not_arrive_fail_the_run_and_stay) {
    map("output", "upload");
    auto r = run({"sh", "-c", "echo made > output/x"});
    EXPECT_EQ(r.state, runs::state::failed);
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_THAT(r.reason, HasSubstr("could not be brought to the store"));
    EXPECT_NE(backend::exit_code_of(r), 0);
    EXPECT_TRUE(std::filesystem::exists(r.folder + "/outputs/output/x"));
}

}  // namespace
}  // namespace act::testing
