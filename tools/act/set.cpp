#include "tools/act/list_file.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "transfer/ops/set_properties.hpp"

namespace act::cli {

namespace {

int run(invocation& call) {
    ops::set_options how{
        .changes = call.given.changes, .rehydrate = call.given.rehydrate, .dry_run = call.given.dry_run};
    if (auto fine = ops::check(how); !fine) return give_up(call, fine.error());
    auto places = stored_locations(call);
    if (!places) return give_up(call, places.error());
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "set", "blob");
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    how.items = items->get();
    auto next = places->begin();
    return for_each_path(call, s, r, [&](const std::string&) -> result<summary> {
        ACT_TRY(opened_location at, opener.open(*next++));
        auto context = s.context(r);
        return s.runtime().run(ops::set_properties(context, at.remote(), how));
    });
}

constexpr example examples[] = {
    {"act set --tier Cool data/old", "everything stored below data/old"},
    {"act set --tier Hot --rehydrate-priority High data/old", "out of the archive tier; takes hours"},
    {"act set --header content-type=text/csv eu:data/a.csv", "what browsers are told"},
    {"act set --metadata owner=me --metadata draft= data/x", "one entry set, another taken away"},
    {"act set --tier Archive --from-list old.txt data", "what the list names below data, and nothing else"},
    {"act set --tag project=voc --dry-run data/voc20", "show what would be changed"},
};

}  // namespace

constinit const verb set_verb{
    .name = "set",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "Set tier, metadata, content headers and tags of what is stored.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "What is named is set or replaced, KEY= takes an entry away, all others stay. Blobs that are so "
        "already\n"
        "are counted as unchanged; folders are passed by. A blob that somebody else changes meanwhile is a\n"
        "failure (the service cannot tell for tiers and tags). Lists are those of `act u --help`; size and "
        "etag\n"
        "in one must hold. PATH is that of `act d`; `act cp --help` "
        "says\n"
        "what CLUSTER:PATH and URL may be.",
};

}  // namespace act::cli
