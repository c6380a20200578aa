#include "transfer/ops/undelete.hpp"

#include "tools/act/list_file.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

int run(invocation& call) {
    if (!call.given.from_list.empty() && call.given.raw_prefix) {
        return give_up(call, error(kind::usage, "--from-list names items below a folder, --prefix is none",
                                   "leave one of them out"));
    }
    auto places = stored_locations(call);
    if (!places) return give_up(call, places.error());
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "brought back", "blob");
    r.call_skipped("not deleted");
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    ops::undelete_options how{.raw_prefix = call.given.raw_prefix,
                              .dry_run = call.given.dry_run,
                              .wanted = std::move(*wanted),
                              .past = call.given.past,
                              .items = items->get()};
    auto next = places->begin();
    return for_each_path(call, s, r, [&](const std::string&) -> result<summary> {
        ACT_TRY(opened_location at, opener.open(*next++));
        auto context = s.context(r);
        auto& link = s.link(*at.account, *at.account);
        return s.runtime().run(ops::undelete(context, at.remote(), link, how));
    });
}

constexpr example examples[] = {
    {"act undelete data/voc20", "what was deleted there and below, if it is still kept"},
    {"act ls --deleted data/voc20", "what that would be, and for how many days it is kept"},
    {"act undelete --dry-run data/voc20", "the same names alone"},
    {"act undelete --include '*.ckpt' output/run7", "only what matches"},
    {"act undelete --from-list lost.txt data", "what the list names below data, and nothing else"},
};

}  // namespace

constinit const verb undelete_verb{
    .name = "undelete",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "Bring back what was deleted, from an account with soft delete.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Blobs come back with their deleted snapshots. Blobs that are there are left as they are and never\n"
        "written over; --past brings back what was deleted of their snapshots and versions. Where the "
        "account\n"
        "keeps versions, a blob comes back by a copy of its youngest version within the account. An account\n"
        "without soft delete has nothing to bring back, and act says so.",
};

}  // namespace act::cli
