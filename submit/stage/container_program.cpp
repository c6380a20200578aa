#include "submit/stage/container_program.hpp"

#include "engine/file/program.hpp"

namespace act::stage {
namespace {

constexpr auto patience = std::chrono::seconds(10);

bool answers(const until& u) {
    const auto told = file::run_program({"docker", "version"}, {}, u.within(patience));
    return told && told->code == 0;
}

bool is_podman_as_docker(const until& u) {
    const auto told = file::run_program({"docker", "--version"}, {}, u.within(patience));
    return told && told->out.starts_with("podman");
}

}  // namespace

container_program find_container_program(const until& u) {
    const bool docker = file::on_path("docker");
    if (file::on_path("podman") && !(docker && answers(u))) return {"podman", true};
    return docker ? container_program{"docker", is_podman_as_docker(u)} : container_program{};
}

}  // namespace act::stage
