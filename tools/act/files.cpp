#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/run_folder.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

namespace fs = std::filesystem;

// What the agent made from the project: known anyway, and mostly long.
bool is_folded(const std::string& name) { return name == "code" || name == "venv"; }

void show(invocation& call, const std::string& name, const file::status& s) {
    if (call.given.json) {
        json_line line("file");
        line.add("name", name).add("size", s.size).add("modified", to_iso8601(s.modified));
        call.screen.result(line.text());
    } else {
        call.screen.result(
            fmt::format("{:>10}  {}  {}", human_size(s.size), to_iso8601(s.modified), printable(name)));
    }
}

result<void> list(invocation& call, const runs::record& r, const std::string& below) {
    ACT_TRY(std::string top, path_in_run(r, below));
    ACT_TRY(file::status about, file::stat_of(top));
    if (about.type != file::type::directory) {
        show(call, below, about);
        return {};
    }
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::recursive_directory_iterator i(top, failed), end; !failed && i != end; i.increment(failed)) {
        std::string name = i->path().lexically_relative(r.folder).string();
        std::error_code ignored;
        if (i->is_directory(ignored) && !i->is_symlink(ignored)) {
            if (!below.empty() || !is_folded(name)) continue;
            i.disable_recursion_pending();
            name += '/';
        }
        names.push_back(std::move(name));
    }
    if (failed) return error::from_errno(failed.value(), "cannot list " + top);
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
        if (call.given.json && name.ends_with('/')) continue;
        // One may be gone by now: the run may be at work.
        if (auto s = file::stat_of(r.folder + "/" + name, false)) show(call, name, *s);
    }
    return {};
}

int run(invocation& call) {
    if (call.words.size() > 2)
        return give_up(call, error(kind::usage, "`act files` takes a run and a folder of it", "give one id"));
    auto named = open_run(call);
    if (!named) return give_up(call, named.error());
    auto listed = list(call, named->run, call.words.size() > 1 ? call.words[1] : std::string());
    return listed ? done(call, 0) : give_up(call, listed.error());
}

constexpr example examples[] = {
    {"act files k3x9q2", "its logs and outputs; code/ stands for the files of its code"},
    {"act files k3x9q2 code", "what the command found and left in its working folder"},
};

}  // namespace

constinit const verb files_verb{
    .name = "files",
    .usage = "RUN [FOLDER]",
    .sentence = "List the files of a run: logs, outputs, code.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
