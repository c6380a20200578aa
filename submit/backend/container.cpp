#include "submit/backend/container.hpp"

#include <algorithm>
#include <set>
#include <unistd.h>

namespace act::backend {
namespace {

/// --mount takes a line of CSV.
std::string field(const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string out = "\"";
    for (char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

std::string mount(const std::string& from, const std::string& to, bool readonly) {
    return "type=bind," + field("source=" + from) + "," + field("target=" + to) +
           (readonly ? ",readonly" : "");
}

constexpr const char* agent_there = "/act";

}  // namespace

std::vector<std::string> command_of(const container& c, const agent::spec& s, const std::string& executable) {
    std::vector<std::string> out = {c.program,      "run", "--rm", "--name", name_of_container(s.run),
                                    "--interactive"};
    auto add = [&](std::initializer_list<std::string> words) { out.insert(out.end(), words); };
    if (c.terminal) add({"--tty"});
    // As whoever asks for the run, so that what it makes in folders of the project is theirs.
    add({"--user", std::to_string(c.user) + ":" + std::to_string(c.group)});
    if (c.podman && c.user != 0) {
        add({"--userns", "keep-id"});
        // Without a daemon nobody may give groups, but those that the user has can stay.
        if (!c.groups.empty()) add({"--group-add", "keep-groups"});
    }
    if (!c.podman) {
        for (const unsigned group : c.groups) add({"--group-add", std::to_string(group)});
    }
    if (c.gpus && c.podman) add({"--device", "nvidia.com/gpu=all"});
    if (c.gpus && !c.podman) add({"--gpus", "all"});
    // As ACT has it: the workers of data loaders share memory.
    add({"--shm-size", "8g"});
    add({"--mount", mount(executable, agent_there, true)});
    add({"--mount", mount(s.archive, s.archive, true)});
    add({"--mount", mount(s.work, s.work, false)});
    std::set<std::string> mounted;
    for (const auto& l : s.links) {
        if (mounted.insert(l.target).second) add({"--mount", mount(l.target, l.target, false)});
    }
    for (const auto& name : s.carried) add({"--env", name});
    add({"--entrypoint", agent_there, c.image, "agent", "contained", s.work + "/spec.json"});
    return out;
}

std::string name_of_container(const std::string& run) { return "act-" + run; }

std::vector<unsigned> other_groups() {
    std::vector<gid_t> all(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    all.resize(static_cast<std::size_t>(std::max(0, ::getgroups(static_cast<int>(all.size()), all.data()))));
    std::vector<unsigned> out;
    for (const gid_t group : all) {
        if (group != ::getegid()) out.push_back(group);
    }
    return out;
}

}  // namespace act::backend
