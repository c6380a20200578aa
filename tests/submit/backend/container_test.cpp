#include "submit/backend/container.hpp"

#include "../support/temp_folder.hpp"
#include "golden.hpp"

namespace act::backend {
namespace {

using act::testing::expect_golden;

std::string lines(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += word + "\n";
    return out;
}

agent::spec spec_of_a_run() {
    agent::spec s;
    s.run = "20260102-030405-k3x9q2";
    s.archive = "/home/u/.local/state/act/code/abc.zip";
    s.work = "/home/u/.local/state/act/local/20260102-030405-k3x9q2";
    s.links = {{"data", "/home/u/project/data"},
               {"output", s.work + "/o, \"p\""},
               {"again", "/home/u/project/data"}};
    s.env = {{"SOME_TOKEN", "hush-hush"}, {"PLAIN", "1"}};
    s.carried = {"SOME_TOKEN"};
    return s;
}

TEST(container, docker_with_gpus_at_a_terminal) {
    const container c{.program = "docker",
                      .image = "some/image:1",
                      .terminal = true,
                      .gpus = true,
                      .user = 1000,
                      .group = 100,
                      .groups = {27, 998}};
    expect_golden("container_docker.txt", lines(command_of(c, spec_of_a_run(), "/usr/bin/act")));
}

// Without a daemon the user of the container is another one, unless that is asked for; GPUs are devices.
TEST(container, podman) {
    container c{.program = "podman",
                .podman = true,
                .image = "some/image:1",
                .gpus = true,
                .user = 1000,
                .group = 100,
                .groups = {27, 998}};
    expect_golden("container_podman.txt", lines(command_of(c, spec_of_a_run(), "/usr/bin/act")));
    c.user = 0;
    c.gpus = false;
    const std::string root = lines(command_of(c, spec_of_a_run(), "/usr/bin/act"));
    EXPECT_EQ(root.find("--userns"), std::string::npos);
    EXPECT_EQ(root.find("--group-add"), std::string::npos);
    EXPECT_EQ(root.find("--device"), std::string::npos);
}

}  // namespace
}  // namespace act::backend
