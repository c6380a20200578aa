#pragma once

#include <fstream>
#include <sstream>

#include "jobs.hpp"

namespace act::testing {

/// A cluster whose programs are scripts: they write their arguments down and answer from files.
class backend_slurm : public jobs_test {
protected:
    backend_slurm() {
        config_.name = "eu";
        config_.platform = "slurm";
        config_.builtin_local = false;
        config_.mappings.clear();
        home_.write("state/program", "#!/bin/sh\n", 0755);
        for (const char* name : {"sbatch", "squeue", "sacct", "scancel"}) fake(name, "");
        answer("sbatch", "123\n");
        answer("sacct", "", 1, "Slurm accounting storage is disabled\n");
    }
    void fake(const std::string& name, const std::string& more) {
        home_.write("bin/" + name,
                    "#!/bin/sh\n{ printf '%s' " + name + "; printf ' <%s>' \"$@\"; echo; } >> " +
                        (home_ / "calls") + "\n" + more + "cat " + (home_ / name) + ".out\ncat " +
                        (home_ / name) + ".err >&2\nexit $(cat " + (home_ / name) + ".code)\n",
                    0755);
        answer(name, "");
    }
    void answer(const std::string& name, const std::string& out, int code = 0, const std::string& err = "") {
        home_.write(name + ".out", out);
        home_.write(name + ".err", err);
        home_.write(name + ".code", std::to_string(code));
    }
    std::unique_ptr<backend::driver> slurm() {
        auto s = services();
        s.environment["PATH"] = path_.empty() ? (home_ / "bin") + ":/usr/bin:/bin" : path_;
        for (const auto& [name, value] : more_) s.environment[name] = value;
        s.executable = home_ / "state/program";
        auto d = backend::make_driver(config_, s);
        EXPECT_TRUE(d) << d.error().describe();
        return std::move(*d);
    }
    runs::record submitted() {
        auto r = submit(*slurm(), {"python", "train.py"});
        EXPECT_TRUE(r) << r.error().describe();
        return r ? *r : runs::record{};
    }
    /// A driver of its own each time: what it has asked a moment ago is asked again.
    runs::record status(const runs::record& r) {
        auto now_is = runtime_.run(slurm()->status(r, {}));
        EXPECT_TRUE(now_is) << now_is.error().describe();
        return now_is ? *now_is : runs::record{};
    }
    std::vector<backend::job> sweep(int points) {
        std::vector<backend::job> jobs;
        for (int i = 0; i < points; ++i) {
            backend::job j;
            j.command = {"echo", std::to_string(i)};
            j.code = std::string(64, 'a');
            j.archive = home_ / "archives/a.zip";
            j.group = "g";
            j.point = "i=" + std::to_string(i);
            jobs.push_back(j);
        }
        return jobs;
    }
    /// Its submission was interrupted, so long ago.
    void without_id(const runs::record& r, std::chrono::seconds ago = {}) {
        ASSERT_TRUE(journal_.update(r.id, [&](runs::record& x) {
            x.backend_id.clear();
            x.submitted -= ago;
        }));
    }
    static void leave(const runs::record& r, const std::string& name, const std::string& text) {
        std::ofstream(r.folder + "/" + name) << text;
    }
    static std::string text_of(const std::string& path) {
        std::ifstream in(path);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }

    std::string path_;
    std::map<std::string, std::string> more_;
};

}  // namespace act::testing
