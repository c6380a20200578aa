#include "submit/agent/gpu_monitor.hpp"

#include <sys/prctl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent_run.hpp"
#include "submit/agent/supervise.hpp"
#include "submit/runs/error_classes.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

TEST(gpu_monitor, tells_memory_and_then_utilisation) {
    EXPECT_EQ(agent::gpu_line("97, 31012, 40960\n 3, 512, 40960\n"),
              "gpu_memory 30.3 GiB of 40 GiB, 512 MiB of 40 GiB gpu_util 97%, 3%");
    EXPECT_EQ(agent::gpu_line("[N/A], [N/A], 40960\n"), "gpu_memory ? of 40 GiB gpu_util ?");
    EXPECT_EQ(agent::gpu_line("No devices were found\n"), "nvidia-smi shows no GPU");
}

TEST(gpu_monitor, its_lines_show_a_run_that_hangs) {
    const std::string busy =
        "2026-01-02T03:04:05Z n1 disk_free 3.1 GiB " + agent::gpu_line("100, 1, 2\n100, 1, 2\n") + "\n";
    const std::string idle =
        "2026-01-02T03:04:05Z n1 disk_free 3.1 GiB " + agent::gpu_line("100, 1, 2\n99, 1, 2\n") + "\n";
    auto classes = [](const std::string& text) {
        auto scanner = runs::error_scanner::make();
        scanner->scan_text(text, "monitor.txt");
        std::vector<std::string> out;
        for (const auto& found : scanner->found()) out.push_back(found.name);
        return out;
    };
    std::string many;
    for (int i = 0; i < 129; ++i) many += busy;
    EXPECT_THAT(classes(many), ::testing::ElementsAre("Hang"));
    EXPECT_THAT(classes(many.substr(busy.size()) + idle + busy), ::testing::IsEmpty());
}

class watched : public agent_run {
protected:
    void SetUp() override {
        agent_run::SetUp();
        // What the agent leaves behind becomes ours, to be waited for.
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        work_.write("bin/nvidia-smi",
                    "#!/bin/sh\necho $PPID > " + (work_ / "monitor") + "; echo \"$*\" > " +
                        (work_ / "asked") + "\necho '97, 31012, 40960'\n",
                    0755);
        environment_["PATH"] = (work_ / "bin") + ":" + ::getenv("PATH");
    }
    void TearDown() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
    agent::spec spec_until(const std::string& log) {
        auto s = spec_of({"sh", "-c", "tail -n +1 -F \"$1\" 2> /dev/null | grep -q gpu_util; exit 3", "-",
                          work_ / "work/logs/" + log});
        s.gpu_monitor_seconds = 1;
        return s;
    }
    std::map<std::string, std::string> environment_;
};

TEST_F(watched, its_gpus_are_told_of_while_the_command_runs) {
    environment_["ACT_GPUS"] = "1,3";
    EXPECT_EQ(wait_for(start(spec_until("monitor.txt"), environment_)), 3);
    EXPECT_THAT(work_.read("work/logs/monitor.txt"), StartsWith("2"));
    EXPECT_THAT(work_.read("work/logs/monitor.txt"), HasSubstr(" " + agent::host_name() + " disk_free "));
    EXPECT_THAT(work_.read("work/logs/monitor.txt"),
                HasSubstr("gpu_memory 30.3 GiB of 40 GiB gpu_util 97%\n"));
    EXPECT_THAT(work_.read("asked"), HasSubstr("-i 1,3"));
    EXPECT_EQ(wait_for(std::stoi(work_.read("monitor"))), 0) << "it ends with the command";
}

TEST_F(watched, each_node_has_a_log) {
    environment_.insert({{"OMPI_COMM_WORLD_RANK", "2"},
                         {"OMPI_COMM_WORLD_SIZE", "4"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                         {"OMPI_COMM_WORLD_NODE_RANK", "0"}});
    auto s = spec_until("monitor-1.txt");
    s.ranked = true;
    EXPECT_EQ(wait_for(start(s, environment_)), 3);
    EXPECT_EQ(wait_for(std::stoi(work_.read("monitor"))), 0);
    EXPECT_THAT(work_.read("asked"), ::testing::Not(HasSubstr("-i")));
}

}  // namespace
}  // namespace act::testing
