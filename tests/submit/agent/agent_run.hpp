#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "engine/async/runtime.hpp"
#include "submit/agent/agent.hpp"
#include "submit/stage/pack.hpp"

namespace act::testing {

/// A code tree and a work folder, and agents that are started on them as processes.
class agent_run : public ::testing::Test {
protected:
    void SetUp() override { tree_.write("main.sh", "#!/bin/sh\necho \"in $(pwd)\"\n", 0755); }

    agent::spec spec_of(std::vector<std::string> command) {
        act::runtime runtime(runtime_options{1, 2});
        stage::pack_options options;
        options.root = tree_.path();
        options.folder = work_ / "archives";
        auto packed = runtime.run(stage::pack(runtime, options, {}));
        EXPECT_TRUE(packed) << packed.error().describe();
        agent::spec s;
        s.run = "20260102-030405-abcdef";
        s.archive = packed->archive;
        s.hash = packed->hash;
        s.work = work_ / "work";
        s.logs = work_ / "work/logs";
        s.command = std::move(command);
        return s;
    }

    /// `environment` is on top of the test's own.
    pid_t start(const agent::spec& s, const std::map<std::string, std::string>& environment = {},
                const char* what = "run", const std::string& starter = {}) {
        EXPECT_TRUE(agent::write_spec(work_ / "spec.json", s));
        std::string spec = work_ / "spec.json", out = work_ / "out", err = work_ / "err";
        pid_t child = ::fork();
        if (child == 0) {
            ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
            ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
            for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
            ::execl("/proc/self/exe", "act", "agent", what, spec.c_str(),
                    starter.empty() ? nullptr : starter.c_str(), nullptr);
            ::_exit(99);
        }
        return child;
    }
    static int wait_for(pid_t child) {
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    int run(const agent::spec& s) { return wait_for(start(s)); }

    temp_folder tree_, work_;
};

}  // namespace act::testing
