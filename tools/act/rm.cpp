#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/ask.hpp"
#include "tools/act/list_file.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// Counts for the question; says nothing by itself.
class silent : public observer {};

blob::snapshots snapshots_of(const options& given) {
    using fate = options::snapshot_fate;
    return given.delete_snapshots == fate::only     ? blob::snapshots::only
           : given.delete_snapshots == fate::refuse ? blob::snapshots::refuse
                                                    : blob::snapshots::include;
}

// What is counted.
std::string_view thing(const options& given) {
    using fate = ops::remove_options::version_fate;
    return given.delete_versions == fate::keep  ? "blob"
           : given.delete_versions == fate::old ? "previous version"
                                                : "version";
}

// One snapshot or version is all that its URL names.
result<void> check_past(const options& given, const std::vector<location>& places) {
    for (const location& place : places) {
        if (place.snapshot.empty() && place.version.empty()) continue;
        if (given.raw_prefix || !given.from_list.empty() ||
            given.seen.find("--delete-snapshots") != given.seen.end() ||
            given.seen.find("--delete-versions") != given.seen.end()) {
            return error(kind::usage, place.text + " is one snapshot or version",
                         "leave out --prefix, --from-list, --delete-snapshots and --delete-versions");
        }
    }
    if (given.delete_versions == ops::remove_options::version_fate::keep) return {};
    if (!given.from_list.empty()) {
        return error(kind::usage, "--from-list names blobs, --delete-versions their versions",
                     "leave one of them out; a URL with ?versionid= names one version");
    }
    if (given.delete_snapshots == options::snapshot_fate::only) {
        return error(kind::usage, "--delete-snapshots only leaves versions as they are",
                     "leave out one of --delete-snapshots and --delete-versions");
    }
    return {};
}

// Through the same planner as the removal itself. True: go on.
result<bool> confirm(invocation& call, session& s, const std::string& path, const opened_location& at,
                     const ops::remove_options& how) {
    if (call.given.yes || call.given.dry_run) return true;
    ops::remove_options look = how;
    look.dry_run = true;
    // A list is read twice: first to count it.
    ACT_TRY(auto items, list_of(call, 1, s.until()));
    look.items = items.get();
    silent nobody;
    auto context = s.context(nobody);
    ACT_TRY(summary found, s.runtime().run(ops::remove(context, at.remote(), look)));
    if (found.stopped) return error(kind::stopped, "interrupted");
    return yes_to(call, fmt::format("remove {} ({}) at {} in {}/{}?", counted(found.files, thing(call.given)),
                                    human_size(found.bytes), path, at.account->settings.name, at.container));
}

int run(invocation& call) {
    if (!call.given.yes && !call.given.dry_run && !call.world.can_ask()) {
        return give_up(
            call, error(kind::usage, "`act rm` asks before it removes, and there is no terminal to ask on",
                        "add --yes to remove, or --dry-run to see what would go"));
    }
    if (!call.given.from_list.empty() && call.given.raw_prefix) {
        return give_up(call, error(kind::usage, "--from-list names items below a folder, --prefix is none",
                                   "leave one of them out"));
    }
    if (call.given.from_list == "-" && !call.given.yes && !call.given.dry_run) {
        return give_up(call, error(kind::usage, "the list comes from where the answer to `remove?` would",
                                   "add --yes to remove, or --dry-run to see what would go"));
    }
    auto places = stored_locations(call, past::allowed);
    if (!places) return give_up(call, places.error());
    if (auto fine = check_past(call.given, *places); !fine) return give_up(call, fine.error());
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "removed", thing(call.given));
    r.call_skipped("not there");
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    ops::remove_options how{.raw_prefix = call.given.raw_prefix,
                            .dry_run = call.given.dry_run,
                            .wanted = std::move(*wanted),
                            .snapshots = snapshots_of(call.given),
                            .versions = call.given.delete_versions};

    // All questions first: nothing asks in the middle of the work.
    struct target {
        opened_location at;
        std::string snapshot, version;
    };
    std::vector<target> agreed;
    call.words.clear();
    for (const location& place : *places) {
        auto at = opener.open(place);
        how.snapshot = place.snapshot;
        how.version = place.version;
        auto answer = at ? confirm(call, s, place.text, *at, how) : result<bool>(at.error());
        if (!answer) {
            r.fail(place.text, answer.error());
            if (r.stopped()) break;
        } else if (*answer) {
            agreed.push_back({std::move(*at), place.snapshot, place.version});
            call.words.push_back(place.text);
        } else {
            call.screen.problem(place.text + " is left as it is");
        }
    }
    if (r.stopped()) call.words.clear();
    how.items = items->get();
    auto next = agreed.begin();
    return for_each_path(call, s, r, [&](const std::string&) -> result<summary> {
        auto context = s.context(r);
        const target& one = *next++;
        how.snapshot = one.snapshot;
        how.version = one.version;
        return s.runtime().run(ops::remove(context, one.at.remote(), how));
    });
}

constexpr example examples[] = {
    {"act rm data/old", "the blob data/old and all below data/old/, never data/old2"},
    {"act rm --dry-run data/old", "show what would go"},
    {"act rm --yes data/old", "in a script: do not ask"},
    {"act rm --include '*.ckpt' --older-than 30d output/run7", "only what matches"},
    {"act rm --delete-snapshots only data/voc20", "the snapshots alone; the blobs stay"},
    {"act rm --delete-versions old data/voc20", "previous versions alone; the blobs stay"},
    {"act rm --from-list old.txt data", "what the list names below data, and nothing else"},
    {"act rm --prefix data/tmp_", "everything whose name begins so, as ACT did"},
};

}  // namespace

constinit const verb rm_verb{
    .name = "rm",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "Remove what is stored at a path and below it.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Local files are not touched. Without a terminal nothing is removed unless --yes is given. What a "
        "list\n"
        "tells of an item's size and ETag must hold, or the item stays and has failed.\n"
        "\n"
        "A URL that ends in ?snapshot=TIME or ?versionid=TIME is that snapshot or previous version alone. In "
        "an\n"
        "account that keeps versions, a removed blob stays as one unless --delete-versions all is given. "
        "What\n"
        "an account with soft delete has removed comes back with `act undelete`.",
};

}  // namespace act::cli
