#include "submit/backend/slurm_script.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/text.hpp"

namespace act::backend::slurm {
namespace {

/// As sbatch takes a line of #SBATCH apart: blanks, quotes and '#' have a meaning, a backslash takes it away.
std::string directive_word(const std::string& word) {
    static constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%&|()[]*~^!";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string out = "\"";
    for (char c : word) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

/// A folder that lies below another of the list is mounted with it.
std::string mounts_of(const script& s) {
    std::vector<std::string> folders = s.mounts, kept;
    std::sort(folders.begin(), folders.end());
    std::string out;
    for (const auto& f : folders) {
        bool inside = std::any_of(kept.begin(), kept.end(),
                                  [&](const auto& k) { return f == k || f.starts_with(k + "/"); });
        if (inside) continue;
        kept.push_back(f);
        out += (out.empty() ? "" : ",") + f + ":" + f;
    }
    if (!s.settings.container_mounts.empty()) out += (out.empty() ? "" : ",") + s.settings.container_mounts;
    return out;
}

std::string directives(const script& s) {
    std::string out;
    auto say = [&](const std::string& option) { out += "#SBATCH " + directive_word(option) + "\n"; };
    auto given = [&](const char* name, const std::string& value) {
        if (!value.empty()) say(fmt::format("--{}={}", name, value));
    };
    const auto& c = s.settings;
    given("job-name", s.name);
    given("comment", s.key);
    if (s.runs.size() > 1) {
        std::string limit = s.max_parallel > 0 ? fmt::format("%{}", s.max_parallel) : std::string();
        say(fmt::format("--array=0-{}{}", s.runs.size() - 1, limit));
    }
    if (!s.after.empty()) say("--dependency=afterany:" + s.after);
    say(fmt::format("--nodes={}", s.layout.nodes));
    say(fmt::format("--ntasks-per-node={}", s.layout.processes_per_node));
    given("gres", gres_of(c.gres, s.layout.gpus_per_node()));
    given("partition", c.partition);
    given("account", c.account);
    given("qos", c.qos);
    given("time", c.time);
    given("mem", c.mem);
    given("constraint", c.constraint);
    given("reservation", c.reservation);
    // Its outputs go to files that the script opens, by names without a pattern.
    say("--output=/dev/null");
    say("--chdir=/");
    // A second start would meet the traces of the first; `act monitor` makes a new run.
    say("--no-requeue");
    for (const auto& option : c.sbatch_options) say(option);
    return out;
}

std::string choose_run(const script& s) {
    if (s.runs.size() == 1) return "run=" + shell_word(s.runs[0]) + "\n";
    std::string out = "case $SLURM_ARRAY_TASK_ID in\n";
    for (std::size_t i = 0; i < s.runs.size(); ++i)
        out += fmt::format("{}) run={} ;;\n", i, shell_word(s.runs[i]));
    return out + "esac\n";
}

std::string launch(const script& s) {
    std::string out = "srun --kill-on-bad-exit=1";
    if (!s.settings.mpi.empty()) out += " " + shell_word("--mpi=" + s.settings.mpi);
    if (!s.settings.container_image.empty()) {
        out += " " + shell_word("--container-image=" + s.settings.container_image);
        if (auto mounts = mounts_of(s); !mounts.empty())
            out += " " + shell_word("--container-mounts=" + mounts);
    }
    return out + " " + shell_word(s.agent) + " agent run \"$run/spec.json\"\n";
}

/// While the command runs: once for the job, and outside its step, which ends without it. Before the trap:
/// what is being forked would have that for a moment, and lose a signal to it.
std::string begin_deliveries(const script& s) {
    if (!s.delivers) return {};
    return shell_word(s.agent) + " agent deliver-meanwhile \"$run/spec.json\" $$ &\nmeanwhile=$!\n";
}

/// The last delivery begins when the others have ended. The agent ends them: if they ended before, the number
/// may be another process's by now, which the shell's `kill` would hit. A signal interrupts the first wait.
std::string end_deliveries(const script& s) {
    if (!s.delivers) return {};
    return "{ " + shell_word(s.agent) +
           " agent end-meanwhile \"$meanwhile\" && { wait \"$meanwhile\" || wait \"$meanwhile\"; }; } 2> "
           "/dev/null\n" +
           shell_word(s.agent) +
           " agent deliver \"$run/spec.json\" || { code=$(( code ? code : 1 )); undelivered=undelivered; }\n";
}

}  // namespace

std::string shell_word(const std::string& word) {
    std::string out = "'";
    for (char c : word) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

std::string gres_of(const std::string& given, int gpus) {
    std::string out, mine = gpus > 0 ? fmt::format("gpu:{}", gpus) : "";
    auto add = [&](const std::string& part) {
        if (!part.empty()) out += (out.empty() ? "" : ",") + part;
    };
    for (const auto& part : split(given, ',')) {
        if (part != "gpu" && !part.starts_with("gpu:")) {
            add(part);
            continue;
        }
        auto last = part.substr(part.rfind(':') + 1);
        bool counted = part != "gpu" && last.find_first_not_of("0123456789") == std::string::npos;
        // Without GPUs in the job the type of the cluster's has nothing to say.
        if (gpus > 0) add(counted ? part : fmt::format("{}:{}", part, gpus));
        mine.clear();
    }
    add(mine);
    return out;
}

result<settings> settings_of(const cluster::config& c) {
    settings s;
    for (auto [name, into] :
         {std::pair("partition", &s.partition), std::pair("account", &s.account), std::pair("time", &s.time),
          std::pair("qos", &s.qos), std::pair("reservation", &s.reservation),
          std::pair("constraint", &s.constraint), std::pair("mem", &s.mem), std::pair("gres", &s.gres),
          std::pair("mpi", &s.mpi), std::pair("container_image", &s.container_image),
          std::pair("container_mounts", &s.container_mounts), std::pair("ssh", &s.ssh)}) {
        if (auto at = c.other.find(std::string("slurm.") + name); at != c.other.end()) *into = at->second;
    }
    if (auto at = c.other.find("slurm.sbatch_options"); at != c.other.end())
        s.sbatch_options = split(at->second, ' ');
    for (int i = 0;; ++i) {
        auto at = c.other.find(fmt::format("slurm.sbatch_options.{}", i));
        if (at == c.other.end()) break;
        s.sbatch_options.push_back(at->second);
    }
    for (const auto& [name, value] : c.other) {
        if (!name.starts_with("slurm.") ||
            value.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos)
            continue;
        return error(kind::configuration, c.file + ": " + name + " holds a line feed",
                     "write it on one line");
    }
    if (s.ssh.starts_with('-'))
        return error(kind::configuration, c.file + ": slurm.ssh is '" + s.ssh + "'", "give user@host");
    for (const auto& option : s.sbatch_options) {
        if (option.starts_with('-')) continue;
        return error(kind::configuration, c.file + ": slurm.sbatch_options holds '" + option + "'",
                     "write each option in one word, with its value: --exclusive, --nice=100");
    }
    return s;
}

std::string text_of(const script& s) {
    std::string out = "#!/bin/sh\n" + directives(s);
    out +=
        "# Made by act. The environment and the arguments of the run are in its spec.json, which ends with "
        "it.\n"
        "umask 077\n" +
        choose_run(s) +
        "exec >> \"$run/logs/slurm.txt\" 2>&1\n"
        "rm -f \"$run/first-failure\" \"$run/failure.txt\"\n"
        "tell() { echo \"$2\" > \"$run/$1.new\" && mv \"$run/$1.new\" \"$run/$1\"; }\n"
        "tell started \"$SLURM_JOB_ID $(date +%s) $SLURM_JOB_NODELIST\"\n"
        // From 22.05 on srun does not take it over from sbatch by itself.
        "if [ -n \"$SLURM_CPUS_PER_TASK\" ]; then export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"; fi\n"
        "asked= undelivered=\n" +
        begin_deliveries(s) +
        // scancel and the time limit signal this shell too, which has something to do yet until SIGKILL.
        "trap asked=asked TERM\n" + launch(s) +
        "code=$?\n"
        // Of several processes srun tells the code of those that it ended itself.
        // Over NFS a file that was looked for in vain seems missing for a while; reading the folder shows it.
        "ls \"$run\" > /dev/null\n"
        "if [ -s \"$run/first-failure\" ]; then read -r code < \"$run/first-failure\"; fi\n" +
        end_deliveries(s) +
        "rm -f \"$run/spec.json\"\n"
        "tell ended \"$code $(date +%s)${asked:+ $asked}${undelivered:+ $undelivered}\"\n"
        "exit \"$code\"\n";
    return out;
}

}  // namespace act::backend::slurm
