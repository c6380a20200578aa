#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_run.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/agent/tree.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(agent_run, a_specification_comes_back_whole) {
    agent::spec s;
    s.run = "r";
    s.archive = "/a.zip";
    s.hash = "h";
    s.work = "/w";
    s.logs = "/l";
    s.links = {{"data", "/d d"}};
    s.env = {{"A", "b\nc"}};
    s.command = {"x", "", "\xff\xfe", std::string(200000, 'x')};
    s.compile_args = "c";
    s.interpreter_path = "python3.11";
    s.sudo = s.sleep_if_fail = s.sleep_if_succeed = s.ranked = true;
    s.check = {.disk = 1ull << 40, .gpus = 7};
    s.grace_seconds = 3;
    s.gpu_monitor_seconds = 9;
    s.nodes = 2;
    s.processes_per_node = 4;
    s.gpus = 8;
    s.mpirun = false;
    s.queue = "/q";
    s.places = 5;
    s.project = "/p";
    s.deliveries = {{"/o", {"cp", "a b", ""}, "/c"}};
    s.delivery_seconds = 6;
    ASSERT_TRUE(agent::write_spec(work_ / "s", s));
    auto back = agent::read_spec(work_ / "s");
    ASSERT_TRUE(back) << back.error().describe();
    EXPECT_EQ(back->command, s.command);
    EXPECT_EQ(back->env, s.env);
    EXPECT_EQ(back->links[0].target, "/d d");
    EXPECT_EQ(back->interpreter_path, "python3.11");
    EXPECT_TRUE(back->sudo && back->sleep_if_fail && back->sleep_if_succeed && back->ranked);
    EXPECT_EQ(back->check.disk, 1ull << 40);
    EXPECT_EQ(back->check.gpus, 7);
    EXPECT_EQ(back->grace_seconds, 3);
    EXPECT_EQ(back->gpu_monitor_seconds, 9);
    EXPECT_EQ(back->processes(), 8);
    EXPECT_EQ(back->nodes, 2);
    EXPECT_EQ(back->gpus, 8);
    EXPECT_FALSE(back->mpirun);
    EXPECT_EQ(back->queue, "/q");
    EXPECT_EQ(back->places, 5);
    EXPECT_EQ(back->project, "/p");
    EXPECT_EQ(back->deliveries.at(0).folder, "/o");
    EXPECT_EQ(back->deliveries.at(0).command, s.deliveries[0].command);
    EXPECT_EQ(back->deliveries.at(0).copy, "/c");
    EXPECT_EQ(back->delivery_seconds, 6);
    struct stat info;
    ::stat((work_ / "s").c_str(), &info);
    EXPECT_EQ(info.st_mode & 0077, 0u);
    work_.write("s", "{}");
    EXPECT_THAT(agent::read_spec(work_ / "s").error().message(), HasSubstr("is missing"));
    EXPECT_FALSE(agent::read_spec(work_ / "nowhere"));
}

TEST_F(agent_run, the_command_runs_in_the_code_root_with_its_environment) {
    auto s = spec_of({"sh", "-c", "pwd; echo \"$ACT_RUN_ID $ACT_CODE_ROOT $MINE\"; cat data/file; exit 7"});
    temp_folder data;
    data.write("file", "content\n");
    s.links = {{"data", data.path()}};
    s.env = {{"MINE", "a b"}};
    EXPECT_EQ(run(s), 7);
    std::string code = work_ / "work/code";
    EXPECT_EQ(work_.read("out"), code + "\n" + s.run + " " + code + " a b\ncontent\n");
    EXPECT_EQ(work_.read("err"), "");
}

TEST_F(agent_run, the_command_takes_the_agents_place) {
    auto s = spec_of({"sh", "-c", "echo $$; kill -TERM $$"});
    pid_t pid = start(s);
    EXPECT_EQ(wait_for(pid), 128 + SIGTERM);
    EXPECT_EQ(work_.read("out"), std::to_string(pid) + "\n");
}

TEST_F(agent_run, a_link_replaces_what_the_archive_has_there) {
    tree_.write("data/old", "old");
    temp_folder data;
    data.write("new", "new");
    auto s = spec_of({"cat", "data/new"});
    s.links = {{"data", data.path()}};
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(work_.read("out"), "new");
    EXPECT_TRUE(data.has("new"));
    s.work = work_ / "other";
    for (const char* evil : {"..", "a/b", "", "."}) {
        s.links = {{evil, data.path()}};
        EXPECT_EQ(run(s), agent::exit_setup_failed) << evil;
    }
}

TEST_F(agent_run, a_missing_or_unfit_command_has_its_own_code) {
    EXPECT_EQ(run(spec_of({"no-such-program-here"})), agent::exit_command_not_found);
    EXPECT_THAT(work_.read("err"), HasSubstr("cannot run 'no-such-program-here'"));
    EXPECT_THAT(work_.read("work/failure.txt"), HasSubstr("cannot run 'no-such-program-here'"));
    tree_.write("plain.txt", "x", 0644);
    auto s = spec_of({"./plain.txt"});
    s.work = work_ / "second";
    EXPECT_EQ(run(s), agent::exit_not_executable);
}

TEST_F(agent_run, compile_runs_before_the_command_and_only_once) {
    tree_.write("compile.aml.sh",
                "#!/bin/sh\necho \"arg:$1\" >> built; echo \"$MINE\" >> built; echo to the log\n", 0644);
    auto s = spec_of({"cat", "built"});
    s.compile_args = "a b";
    s.env = {{"MINE", "mine"}};
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(work_.read("out"), "arg:a b\nmine\n");
    EXPECT_THAT(work_.read("work/logs/setup.txt"), HasSubstr("to the log"));
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(work_.read("out"), "arg:a b\nmine\n");
}

TEST_F(agent_run, a_node_without_the_space_is_not_set_up) {
    auto s = spec_of({"cat", "main.sh"});
    s.check.disk = 1ull << 60;
    EXPECT_EQ(run(s), agent::exit_node_unfit);
    const std::string why = work_.read("work/failure.txt");
    EXPECT_THAT(why, HasSubstr("node " + agent::host_name() + " has "));
    EXPECT_THAT(why, HasSubstr(" free in " + s.work));
    EXPECT_THAT(why, HasSubstr("free some space there"));
    EXPECT_FALSE(work_.has("work/code"));
    EXPECT_EQ(run(s), agent::exit_node_unfit) << "each process looks for itself";
    s.check.disk = 1;
    EXPECT_EQ(run(s), 0);
    s.check.disk = 1ull << 60;
    EXPECT_EQ(run(s), 0) << "what is set up takes no more";
}

TEST_F(agent_run, a_node_without_the_gpus_is_not_used) {
    work_.write("bin/nvidia-smi",
                "#!/bin/sh\n[ \"$1\" = -L ] && printf 'GPU 0: Imagined\\n  MIG 1\\nGPU 1: Imagined\\n'\n",
                0755);
    auto s = spec_of({"true"});
    std::filesystem::create_directories(s.work);
    // What this process was given says nothing of the driver.
    std::map<std::string, std::string> environment = {{"PATH", (work_ / "bin") + ":" + ::getenv("PATH")},
                                                      {"CUDA_VISIBLE_DEVICES", "0,1,2"}};
    s.check.gpus = 3;
    EXPECT_EQ(wait_for(start(s, environment)), agent::exit_node_unfit);
    EXPECT_THAT(work_.read("work/failure.txt"), HasSubstr("node " + agent::host_name() + " shows 2 GPUs"));
    EXPECT_THAT(work_.read("work/failure.txt"), HasSubstr("the run needs 3 there"));
    EXPECT_FALSE(work_.has("work/code"));
    s.check.gpus = 2;
    EXPECT_EQ(wait_for(start(s, environment)), 0);
    environment["PATH"] = work_ / "nowhere";
    EXPECT_EQ(wait_for(start(s, environment)), agent::exit_node_unfit) << "also where it is set up already";
    EXPECT_THAT(work_.read("work/failure.txt"), HasSubstr("has no nvidia-smi"));
}

TEST_F(agent_run, a_failing_compile_fails_the_run) {
    tree_.write("compile.aml.sh", "#!/bin/sh\necho broken >&2; exit 4\n");
    auto s = spec_of({"touch", work_ / "ran"});
    EXPECT_EQ(run(s), agent::exit_setup_failed);
    EXPECT_FALSE(work_.has("ran"));
    EXPECT_THAT(work_.read("err"), HasSubstr("compile.aml.sh ended with code 4"));
    EXPECT_THAT(work_.read("work/failure.txt"), HasSubstr("compile.aml.sh ended with code 4"));
    EXPECT_THAT(work_.read("work/logs/setup.txt"), HasSubstr("broken"));
    EXPECT_FALSE(work_.has("work/ready"));
}

/// A stand-in for Python that writes down how it was called.
std::string fake_python(const temp_folder& where, int pip_code, bool managed) {
    return where.write(
        "bin/fakepython",
        "#!/bin/sh\necho \"$@\" >> " + (where / "calls") + "\n[ \"$1\" = -c ] && exit " +
            (managed ? "3" : "0") +
            "\nif [ \"$2\" = venv ]; then mkdir -p \"$4/bin\" && cp \"$0\" \"$4/bin/python\"; exit 0; fi\n"
            "exit " +
            std::to_string(pip_code) + "\n",
        0755);
}

TEST_F(agent_run, requirements_are_installed_first_and_must_succeed) {
    tree_.write("requirements.txt", "something\n");
    tree_.write("compile.aml.sh", "#!/bin/sh\necho compile >> " + (work_ / "calls") + "\n", 0755);
    auto s = spec_of({"true"});
    s.interpreter_path = fake_python(work_, 0, false);
    EXPECT_EQ(run(s), 0);
    auto calls = work_.read("calls");
    EXPECT_LT(calls.find("-m pip install -r requirements.txt"), calls.find("compile"));
    s.work = work_ / "second";
    s.interpreter_path = fake_python(work_, 1, false);
    EXPECT_EQ(run(s), agent::exit_setup_failed);
    EXPECT_THAT(work_.read("err"), HasSubstr("pip install -r requirements.txt ended with code 1"));
    s.work = work_ / "third";
    s.interpreter_path = "no-such-python";
    EXPECT_EQ(run(s), agent::exit_setup_failed);
    EXPECT_THAT(work_.read("err"), HasSubstr("needs no-such-python, which is not on this node"));
}

TEST_F(agent_run, a_managed_python_gets_an_environment_of_its_own) {
    tree_.write("requirements.txt", "something\n");
    auto s = spec_of({"sh", "-c", "echo $VIRTUAL_ENV; command -v python"});
    s.interpreter_path = fake_python(work_, 0, true);
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(work_.read("out"), (work_ / "work/venv") + "\n" + (work_ / "work/venv/bin/python") + "\n");
    EXPECT_THAT(work_.read("calls"), HasSubstr("-m venv --system-site-packages " + (work_ / "work/venv")));
}

TEST_F(agent_run, a_half_made_tree_is_made_anew) {
    auto s = spec_of({"ls"});
    work_.write("work/code/half", "");
    work_.write("work/code.aside-abc/x", "");
    work_.write("work/ready", "another hash");
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(work_.read("out"), "main.sh\n");
    EXPECT_FALSE(work_.has("work/code.aside-abc"));
}

TEST_F(agent_run, killed_while_setting_up_it_starts_over) {
    std::string fifo = work_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    tree_.write("compile.aml.sh",
                "#!/bin/sh\nif [ -e " + (work_ / "second") + " ]; then echo done > built; exit 0; fi\n" +
                    "echo half > built\necho there > " + fifo + "\nexec cat " + fifo + "\n");
    auto s = spec_of({"cat", "built"});
    pid_t first = start(s);
    {
        std::ifstream in(fifo);
        std::string line;
        std::getline(in, line);
    }
    auto below = agent::descendants(first);
    ::kill(first, SIGKILL);
    for (pid_t p : below) ::kill(p, SIGKILL);
    EXPECT_EQ(wait_for(first), 128 + SIGKILL);
    EXPECT_FALSE(work_.has("work/ready"));
    work_.write("second", "");
    EXPECT_EQ(run(s), 0);
    EXPECT_EQ(work_.read("out"), "done\n");
}

TEST_F(agent_run, processes_of_one_node_set_up_once) {
    tree_.write("compile.aml.sh", "#!/bin/sh\necho x >> " + (work_ / "compiled") + "\n");
    auto s = spec_of({"true"});
    std::vector<pid_t> all;
    for (int i = 0; i < 8; ++i) all.push_back(start(s));
    for (pid_t p : all) EXPECT_EQ(wait_for(p), 0);
    EXPECT_EQ(work_.read("compiled"), "x\n");
}

TEST_F(agent_run, outputs_are_delivered_and_one_that_is_not_is_told) {
    auto s = spec_of({"true"});
    std::filesystem::create_directories(s.logs);
    s.project = tree_.path();
    s.deliveries = {{"a", {"sh", "-c", "echo broken >&2; exit 3"}},
                    {"b", {"sh", "-c", "pwd > \"$0\"", work_ / "b"}}};
    EXPECT_EQ(wait_for(start(s, {}, "deliver")), 1);
    EXPECT_EQ(work_.read("b"), tree_.path() + "\n") << "the others are, all the same";
    EXPECT_EQ(work_.read("work/logs/delivery.txt"), "broken\n");
    EXPECT_THAT(work_.read("work/failure.txt"),
                HasSubstr("what is in a could not be brought to the store (code 3)"));
    s.deliveries.erase(s.deliveries.begin());
    EXPECT_EQ(wait_for(start(s, {}, "deliver")), 0);
}

TEST_F(agent_run, logs_are_delivered_as_they_are_at_one_moment) {
    auto s = spec_of({"true"});
    work_.write("work/logs/stdout.txt", "one\n");
    work_.write("work/logs/mine/more.txt", "two\n");
    std::filesystem::create_symlink("/nowhere", s.logs + "/link");
    const std::string copy = work_ / "work/copy";
    work_.write("work/copy/.act-0123456789abcdef.tmp", "a delivery that was killed");
    s.deliveries = {{s.logs,
                     {"sh", "-c",
                      "echo three >> \"$1/stdout.txt\"; cat \"$2/stdout.txt\" \"$2/mine/more.txt\" > \"$0\"; "
                      "ls -A \"$2\" >> \"$0\"",
                      work_ / "sent", s.logs, copy},
                     copy}};
    EXPECT_EQ(wait_for(start(s, {}, "deliver")), 0) << work_.read("work/logs/delivery.txt");
    EXPECT_EQ(work_.read("sent"), "one\ntwo\nmine\nstdout.txt\n");
    EXPECT_FALSE(work_.has("work/copy")) << "nobody needs it any more";
    // A file stands where the copy would have to be.
    work_.write("work/copy", "");
    s.deliveries[0].copy += "/x";
    EXPECT_EQ(wait_for(start(s, {}, "deliver")), 1);
    EXPECT_THAT(work_.read("work/logs/delivery.txt"), HasSubstr("act agent: "));
}

TEST_F(agent_run, a_damaged_archive_fails_the_run) {
    auto s = spec_of({"true"});
    s.hash = std::string(64, '0');
    EXPECT_EQ(run(s), agent::exit_setup_failed);
    EXPECT_THAT(work_.read("err"), HasSubstr("not what its name says"));
    EXPECT_FALSE(work_.has("work/code"));
}

TEST_F(agent_run, staying_after_a_failure_passes_signals_on) {
    auto s = spec_of({"sh", "-c",
                      "trap 'exit 5' USR1; echo ready > " + (work_ / "fifo") + "; while :; do read x < " +
                          (work_ / "never") + "; done"});
    ASSERT_EQ(::mkfifo((work_ / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo((work_ / "never").c_str(), 0600), 0);
    s.sleep_if_succeed = true;
    pid_t pid = start(s);
    {
        std::ifstream in(work_ / "fifo");
        std::string line;
        std::getline(in, line);
    }
    ::kill(pid, SIGUSR1);
    EXPECT_EQ(wait_for(pid), 5);
}

TEST(agent_entry, wrong_use_is_explained) {
    EXPECT_EQ(agent::entry({}), 2);
    EXPECT_EQ(agent::entry({"run"}), 2);
    EXPECT_EQ(agent::entry({"run", "/nowhere"}), agent::exit_setup_failed);
}

}  // namespace
}  // namespace act::testing
