#include "submit/backend/slurm_script.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "golden.hpp"

namespace act::backend::slurm {
namespace {

using act::testing::expect_golden;
using ::testing::HasSubstr;

TEST(slurm_script, one_process) {
    script s;
    s.name = "true";
    s.key = "act:20260102-030405-k3x9q2";
    s.agent = "/home/u/.local/state/act/agent/act-1-2";
    s.runs = {"/home/u/.local/state/act/runs/20260102-030405-k3x9q2"};
    expect_golden("slurm_single.sh", text_of(s));
}

TEST(slurm_script, an_array_with_all_that_a_cluster_can_say) {
    cluster::config c;
    c.other = {{"slurm.partition", "gpu,long"},
               {"slurm.account", "our group"},
               {"slurm.qos", "high"},
               {"slurm.time", "1-12:00:00"},
               {"slurm.mem", "64G"},
               {"slurm.constraint", "a100&nvlink"},
               {"slurm.reservation", "say \"now\" # \\"},
               {"slurm.gres", "gpu:a100,nvme:1"},
               {"slurm.mpi", "pmix"},
               {"slurm.container_image", "nvcr.io#nvidia/pytorch:24.01-py3"},
               {"slurm.container_mounts", "/scratch:/scratch:ro"},
               {"slurm.sbatch_options.0", "--exclusive"},
               {"slurm.sbatch_options.1", "--mail-user=a b@c"}};
    auto given = settings_of(c);
    ASSERT_TRUE(given) << given.error().describe();
    script s;
    s.settings = *given;
    s.layout.gpus = 16;
    s.layout.nodes = 2;
    s.layout.processes_per_node = 8;
    s.name = "it's mine";
    s.key = "act:20260102-030405-k3x9q2";
    s.agent = "/home/o'neil/state/act/agent/act-1-2";
    s.runs = {"/home/o'neil/state/act/runs/a", "/home/o'neil/state/act/runs/b",
              "/home/o'neil/state/act/runs/c"};
    s.max_parallel = 2;
    s.delivers = true;
    s.mounts = {"/home/o'neil/project/data", "/home/o'neil/state/act", "/home/o'neil/project"};
    expect_golden("slurm_array.sh", text_of(s));
}

/// The script as the shell runs it; srun and the agent are scripts that say what they do in the file `said`.
class running_script : public ::testing::Test {
protected:
    running_script() {
        folder_.write("run/logs/slurm.txt", "");
        script_.agent = folder_ / "agent";
        script_.runs = {folder_ / "run"};
        script_.delivers = true;
        script("srun", "echo command >> " + said_ + "\nexit 3\n");
    }
    void script(const std::string& name, const std::string& text) {
        folder_.write(name, "#!/bin/sh\n" + text, 0755);
    }
    /// Its exit code.
    int run(const std::string& shell = "sh") {
        folder_.write("run/spec.json", "{}");
        folder_.write("run/job.sh", text_of(script_));
        const std::string line =
            "PATH=" + folder_.path() + ":$PATH exec " + shell + " " + shell_word(folder_ / "run/job.sh");
        const int status = std::system(line.c_str());
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    /// What /bin/sh is on most machines.
    static constexpr const char* shells[] = {"sh", "bash --posix"};
    act::testing::temp_folder folder_;
    const std::string said_ = folder_ / "said";
    slurm::script script_;
};

TEST_F(running_script, the_last_delivery_begins_when_the_others_have_ended) {
    // The command ends when the deliveries have begun. They take their time to end, and a signal comes
    // meanwhile.
    script("agent",
           "exec 2> /dev/null\n[ $2 = end-meanwhile ] && exec kill $3\n"
           "[ $2 = deliver ] && { echo last >> " +
               said_ + "; exit 0; }\n" +
               "trap 'kill -TERM $PPID; for i in $(seq 300); do env true; done; echo ended >> " + said_ +
               "; exit' TERM\necho $2 >> " + said_ + "\necho > " + (folder_ / "begun") +
               "\nwhile :; do read x < " + (folder_ / "never") + "; done\n");
    script("srun", "read x < " + (folder_ / "begun") + "\necho command >> " + said_ + "\nexit 3\n");
    for (const char* name : {"begun", "never"}) ASSERT_EQ(::mkfifo((folder_ / name).c_str(), 0600), 0);
    for (const char* shell : shells) {
        folder_.write("said", "");
        EXPECT_EQ(run(shell), 3) << shell;
        EXPECT_EQ(folder_.read("said"), "deliver-meanwhile\ncommand\nended\nlast\n") << shell;
        EXPECT_EQ(folder_.read("run/logs/slurm.txt"), "") << shell;
        EXPECT_THAT(folder_.read("run/ended"), ::testing::MatchesRegex("3 [0-9]+ asked\n")) << shell;
        EXPECT_FALSE(folder_.has("run/spec.json"));
    }
}

TEST_F(running_script, only_the_last_delivery_counts) {
    script("agent",
           "case $2 in end-meanwhile) exec kill $3 ;; deliver-meanwhile) exec sleep 1000 ;; esac\n"
           "exit \"$(cat " +
               (folder_ / "code") + ")\"\n");
    script("srun", "exit 0\n");
    for (const char* shell : shells) {
        folder_.write("code", "0");
        EXPECT_EQ(run(shell), 0) << shell;
        EXPECT_THAT(folder_.read("run/ended"), ::testing::MatchesRegex("0 [0-9]+\n")) << shell;
        folder_.write("code", "1");
        EXPECT_EQ(run(shell), 1) << shell;
        EXPECT_THAT(folder_.read("run/ended"), ::testing::MatchesRegex("1 [0-9]+ undelivered\n")) << shell;
        EXPECT_EQ(folder_.read("run/logs/slurm.txt"), "") << shell;
    }
}

TEST_F(running_script, deliveries_know_the_script_and_are_ended_by_the_agent_alone) {
    // They end early; the process that has their number by then is none of the script's.
    script("agent", "case $2 in deliver-meanwhile) echo $4 $PPID >> " + said_ + ";; *) echo $2 >> " + said_ +
                        ";; esac\n");
    for (const char* shell : shells) {
        folder_.write("said", "");
        EXPECT_EQ(run(shell), 3) << shell;
        std::istringstream said(folder_.read("said"));
        std::set<std::string> words{std::istream_iterator<std::string>(said), {}};
        EXPECT_EQ(words.size(), 4u) << folder_.read("said") << "two numbers that are one, and three words";
        EXPECT_EQ(words.count("end-meanwhile"), 1u) << shell;
    }
    EXPECT_THAT(text_of(script_), ::testing::Not(HasSubstr("kill ")));
}

TEST_F(running_script, an_agent_that_is_gone_does_not_keep_the_job) {
    script("agent", "echo begun > " + (folder_ / "begun") + "\nread x < " + (folder_ / "held") + "\n");
    script("srun", "read x < " + (folder_ / "begun") + "\nrm -f " + (folder_ / "agent") + "\nexit 3\n");
    for (const char* name : {"begun", "held"}) ASSERT_EQ(::mkfifo((folder_ / name).c_str(), 0600), 0);
    EXPECT_EQ(run(), 3);
    EXPECT_THAT(folder_.read("run/ended"), ::testing::MatchesRegex("3 [0-9]+ undelivered\n"));
    folder_.write("held", "\n");
}

TEST_F(running_script, without_outputs_nothing_is_started_for_them) {
    script_.delivers = false;
    script("agent", "echo $2 >> " + said_ + "\n");
    EXPECT_EQ(run(), 3);
    EXPECT_EQ(folder_.read("said"), "command\n");
}

TEST(slurm_script, gpus_are_asked_for_only_by_jobs_that_have_some) {
    EXPECT_EQ(gres_of("", 0), "");
    EXPECT_EQ(gres_of("", 4), "gpu:4");
    EXPECT_EQ(gres_of("gpu", 4), "gpu:4");
    EXPECT_EQ(gres_of("gpu:a100", 4), "gpu:a100:4");
    EXPECT_EQ(gres_of("gpu:a100:8", 4), "gpu:a100:8");
    EXPECT_EQ(gres_of("gpu:2", 4), "gpu:2");
    EXPECT_EQ(gres_of("gpu:a100", 0), "");
    EXPECT_EQ(gres_of("nvme:1,gpu:a100", 0), "nvme:1");
    EXPECT_EQ(gres_of("nvme:1", 2), "nvme:1,gpu:2");
}

TEST(slurm_script, options_may_be_one_line) {
    cluster::config c;
    c.other = {{"slurm.sbatch_options", "--exclusive  --nice=100"}};
    EXPECT_EQ(settings_of(c)->sbatch_options, (std::vector<std::string>{"--exclusive", "--nice=100"}));
}

TEST(slurm_script, what_cannot_stand_in_it_is_refused) {
    cluster::config c;
    c.file = "eu.yaml";
    auto message = [&](const char* key, const char* value) {
        c.other = {{key, value}};
        auto s = settings_of(c);
        EXPECT_FALSE(s);
        return s ? std::string() : s.error().message();
    };
    EXPECT_THAT(message("slurm.partition", "a\n#SBATCH --wrap=x"), HasSubstr("eu.yaml: slurm.partition"));
    EXPECT_THAT(message("slurm.ssh", "-oProxyCommand=x"), HasSubstr("slurm.ssh"));
    EXPECT_THAT(message("slurm.sbatch_options.0", "script.sh"), HasSubstr("script.sh"));
}

}  // namespace
}  // namespace act::backend::slurm
