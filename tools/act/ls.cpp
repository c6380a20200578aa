#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// "2026-01-02 03:04:05", UTC.
std::string moment(wall_time at) {
    std::string text = to_iso8601(at);
    text[10] = ' ';
    return text.substr(0, 19);
}

// The path that `act d` would take for it.
std::string path_of(const blob::properties& blob, const cluster::mapping& m) {
    if (m.folder == "*") return blob.name;
    if (m.path.empty()) return m.folder + "/" + blob.name;
    if (blob.name == m.path) return m.folder;
    bool below = blob.name.starts_with(m.path) && blob.name[m.path.size()] == '/';
    return below ? m.folder + blob.name.substr(m.path.size()) : blob.name;
}

void show(invocation& call, const blob::properties& blob, const cluster::mapping& m) {
    std::string path = path_of(blob, m);
    if (call.given.json) {
        json_line line(blob.is_prefix ? "prefix" : "blob");
        line.add("name", blob.name).add("path", path);
        if (!blob.is_prefix) {
            line.add("size", blob.size)
                .add("modified", to_iso8601(blob.modified))
                .add("etag", blob.etag.text);
            if (!blob.snapshot.empty()) line.add("snapshot", blob.snapshot);
            if (blob.is_directory) line.add("directory", true);
        }
        call.screen.result(line.text());
        return;
    }
    if (call.world.out_is_terminal) path = printable(path);
    if (blob.is_prefix) {
        call.screen.result(fmt::format("{:>10}  {:19}  {}", "", "", path));
    } else {
        call.screen.result(fmt::format("{:>10}  {}  {}", human_size(blob.size), moment(blob.modified), path));
    }
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    report r(call, "listed", "blob");
    ops::list_options how{.raw_prefix = call.given.raw_prefix, .one_level = call.given.one_level};
    for (const auto& path : call.words) {
        if (r.stopped()) break;
        auto at = s.find(path);
        if (!at) {
            r.fail(path, at.error());
            continue;
        }
        auto context = s.context(r);
        auto each = [&](const blob::properties& blob) {
            show(call, blob, *at->location.map);
            // `act ls data | head`: nobody reads on.
            if (call.screen.results_gone()) s.stop();
        };
        r.add(path, s.runtime().run(ops::list(context, at->remote(), how, each)));
    }
    call.screen.flush();
    if (call.screen.results_gone()) return 0;
    if (!call.given.json && r.total().files > 0) {
        call.screen.result(
            fmt::format("{}, {}", counted(r.total().files, "blob"), human_size(r.total().bytes)));
    }
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act ls data/voc20", "every blob below data/voc20/, and the total"},
    {"act ls --one-level data", "what is directly in data"},
    {"act ls --prefix data/voc", "data/voc20, data/vocab.txt, ... as ACT did"},
    {"act ls --json data | jq -r .path", "paths for a script"},
};

}  // namespace

constinit const verb ls_verb{
    .name = "ls",
    .usage = "PATH...",
    .sentence = "List what is stored: size, time of change (UTC), path, then the total.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
