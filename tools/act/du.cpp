#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/folder_tally.hpp"
#include "tools/act/json.hpp"
#include "tools/act/listed.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

void row(invocation& call, const std::string& path, std::uint64_t files, std::uint64_t bytes) {
    if (call.given.json) {
        call.screen.result(
            json_line("folder").add("path", path).add("files", files).add("bytes", bytes).text());
        return;
    }
    call.screen.result(fmt::format("{:>10}  {:>11}  {}", size_text(bytes, call.given), human_count(files),
                                   call.world.out_is_terminal ? printable(path) : path));
}

int run(invocation& call) {
    auto places = stored_locations(call);
    if (!places) return give_up(call, places.error());
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "counted", "blob");
    const ops::list_options how{.detail = blob::detail::brief};
    std::uint64_t files = 0, bytes = 0;
    for (const location& place : *places) {
        if (r.stopped()) break;
        auto at = opener.open(place);
        if (!at) {
            r.fail(place.text, at.error());
            continue;
        }
        const std::string& root = at->path;
        const std::string below = root.empty() ? std::string() : root + '/';
        auto leave = [&](const folder_tally::folder& f) {
            if (f.level == 0) {
                files += f.files, bytes += f.bytes;
                row(call, root.empty() ? place.text : at->shown(root), f.files, f.bytes);
            } else if (f.files > 0) {
                row(call, at->shown(below + f.path), f.files, f.bytes);
            }
            if (call.screen.results_gone()) s.stop();
        };
        folder_tally tally(
            call.given.depth.value_or(1), [](const auto&) {}, leave);
        auto each = [&](const blob::properties& blob) {
            const std::string_view name =
                blob.name == root ? std::string_view() : std::string_view(blob.name).substr(below.size());
            if (!blob.is_directory) tally.add(name, blob.size);
        };
        auto context = s.context(r);
        auto outcome = s.runtime().run(ops::list(context, at->remote(), how, each));
        // The sum of a part would look like the sum of all.
        if (outcome && !outcome->stopped) tally.finish();
        r.add(place.text, outcome);
    }
    if (call.words.size() > 1 && !call.given.json && !r.stopped() && !call.screen.results_gone()) {
        row(call, "total", files, bytes);
    }
    call.screen.flush();
    if (call.screen.results_gone()) return 0;
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act du data", "each folder directly in data, then data as a whole"},
    {"act du --depth 0 data output", "one line for each, and the total"},
    {"act du --bytes --json data | jq .bytes", "for a script"},
};

}  // namespace

constinit const verb du_verb{
    .name = "du",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "Show how much is stored: size, number of blobs, folder; the whole last.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note = "A folder's line has all that is below it and comes behind those of the folders in it.",
};

}  // namespace act::cli
