#include "submit/backend/slurm_programs.hpp"

#include <algorithm>

#include "submit/backend/slurm_script.hpp"
#include "submit/cluster/cluster.hpp"

namespace act::backend::slurm {
namespace {

bool kept_from_jobs(const std::string& name) {
    // ACT_: this may itself be a run.
    return cluster::names_secret(name) || name.starts_with("AZURE_") || name.starts_with("ACT_");
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

programs::programs(act::runtime& rt, const std::map<std::string, std::string>& environment, std::string ssh,
                   steady::duration longest)
    : runtime_(rt), ssh_(std::move(ssh)), longest_(longest) {
    options_.environment.emplace();
    for (const auto& [name, value] : environment) {
        if (!kept_from_jobs(name)) options_.environment->emplace(name, value);
    }
}

std::map<std::string, std::string> programs::carried() const {
    return ssh_.empty() ? *options_.environment : std::map<std::string, std::string>();
}

std::string programs::where() const { return ssh_.empty() ? "on this machine" : "on " + ssh_; }

task<result<file::program_output>> programs::run(std::vector<std::string> command, until u) {
    const std::string name = command.front();
    // By env, so that the program is found the same way here and there, and dates are numbers.
    command.insert(command.begin(), {"env", "SLURM_TIME_FORMAT=%s"});
    if (!ssh_.empty()) {
        std::string line;
        for (const auto& word : command) line += (line.empty() ? "" : " ") + shell_word(word);
        command = {"env", "ssh", "-o", "BatchMode=yes", "--", ssh_, line};
    }
    const until limit = u.within(longest_);
    auto call = [&] { return file::run_program(command, options_, limit); };
    auto done = co_await runtime_.blocking(call);
    // The caller's own time is not over: whoever follows a run may ask again.
    if (!done && done.error().kind() == kind::timeout && u.check()) {
        co_return error(kind::unavailable, name + " " + where() + " did not answer in time",
                        "Slurm's controller is busy, or cannot be reached: try again later");
    }
    if (!done) co_return done.error();
    if (!ssh_.empty() && done->code == 255) {
        co_return error(kind::unavailable, "cannot reach " + ssh_ + ": " + first_line(done->err),
                        "try `ssh " + ssh_ + " true`: it must work without a question");
    }
    if (!ssh_.empty() && done->code == 127 && done->err.starts_with("env: ") && says(done->err, "ssh")) {
        co_return error(kind::configuration,
                        "there is no ssh on this machine, by which " + ssh_ + " is asked",
                        "install OpenSSH's client, or take slurm.ssh out of the cluster file");
    }
    if (done->code == 127) {
        co_return error(kind::configuration, "there is no " + name + " " + where(),
                        ssh_.empty() ? "run act on a login node, or name one in the cluster file: slurm: "
                                       "{ssh: user@host}"
                                     : "is " + ssh_ + " a login node of the cluster?");
    }
    bool down = says(done->err, "Unable to contact slurm controller") ||
                says(done->err, "Socket timed out") || says(done->err, "Connection refused");
    if (done->code != 0 && down) {
        co_return error(kind::unavailable, name + " " + where() + ": " + first_line(done->err),
                        "Slurm's controller does not answer: try again later");
    }
    co_return done;
}

std::string first_line(const std::string& text) {
    for (std::size_t from = 0; from < text.size();) {
        std::size_t end = std::min(text.find('\n', from), text.size());
        std::string line = text.substr(from, end - from);
        from = end + 1;
        if (auto at = line.find(": error: "); at != std::string::npos) line.erase(0, at + 9);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
        if (!line.empty()) return line.substr(0, 500);
    }
    return "it said nothing";
}

}  // namespace act::backend::slurm
