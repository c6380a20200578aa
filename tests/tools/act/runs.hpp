#pragma once

#include <functional>

#include "submit/runs/runs.hpp"
#include "tool.hpp"

namespace act::cli {

/// The tool, and a journal that the test writes.
class runs_test : public tool_test {
protected:
    runs_test() : journal_(*runs::journal::open(folder_.at("home/.local/state/act"))) {}

    runs::record add(std::vector<std::string> command, runs::state state,
                     const std::function<void(runs::record&)>& more = nullptr) {
        runs::record r;
        r.cluster = r.platform = "local";
        r.project = folder_.at("project");
        r.command = std::move(command);
        r.gpus = 2;
        r.state = state;
        auto added = journal_.add(r);
        EXPECT_TRUE(added) << added.error().describe();
        auto done = journal_.update(added->id, [&](runs::record& x) {
            if (runs::is_final(state)) {
                x.started = x.submitted;
                x.ended = x.submitted + std::chrono::seconds(state == runs::state::failed ? 5 : 7);
                x.exit_code = state == runs::state::completed ? 0 : 3;
            }
            if (more) more(x);
        });
        EXPECT_TRUE(done) << done.error().describe();
        return *done;
    }
    void log(const runs::record& r, const std::string& name, const std::string& text) {
        write_file(r.logs + "/" + name, text);
    }

    runs::journal journal_;
};

}  // namespace act::cli
