#include "submit/agent/container_end.hpp"

#include "engine/file/program.hpp"

namespace act::agent {
namespace {

/// A daemon may not answer.
constexpr std::chrono::seconds patience{10};

}  // namespace

void kill_container(const named_container& c) {
    (void)file::run_program({c.program, "kill", c.name}, {}, until{}.within(patience));
}

bool remove_container(const named_container& c) {
    const until soon = until{}.within(patience);
    // podman's `rm` alone first waits for what is in it to end.
    (void)file::run_program({c.program, "kill", c.name}, {}, soon);
    (void)file::run_program({c.program, "rm", "--force", c.name}, {}, soon);
    const auto left =
        file::run_program({c.program, "ps", "--all", "--quiet", "--filter", "name=" + c.name}, {}, soon);
    return left && left->code == 0 && left->out.find_first_not_of(" \n") == std::string::npos;
}

std::string removal_of(const named_container& c) { return c.program + " rm --force " + c.name; }

}  // namespace act::agent
