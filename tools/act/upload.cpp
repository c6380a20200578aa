#include "tools/act/report.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"

namespace act::cli {

namespace {

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    if (!call.given.from_cluster.empty()) {
        return give_up(
            call, error(kind::unsupported, "copying from the storage of another cluster is not supported",
                        "download with -c " + call.given.from_cluster + ", then upload"));
    }
    session s(call, std::move(*cluster));
    report r(call, "uploaded", "file");
    ops::upload_options how{.block_size = call.given.block_size,
                            .always = call.given.force,
                            .compare_content = call.given.hash,
                            .dry_run = call.given.dry_run};
    return for_each_path(call, s, r, [&](const std::string& path) -> result<summary> {
        ACT_TRY(place at, s.find(path));
        auto context = s.context(r);
        return s.runtime().run(ops::upload(context, at.location.local, at.remote(), how));
    });
}

constexpr std::string_view aliases[] = {"u"};
constexpr example examples[] = {
    {"act u data/voc20", "a folder; what is there already and unchanged costs nothing"},
    {"act u data/a.tar data/b.tar", "two files"},
    {"act -c eu u data/voc20", "to the storage of cluster eu"},
    {"act u --dry-run data/voc20", "show what would be sent"},
    {"act u --hash data/voc20", "compare contents, not times"},
    {"act u --cap-mbps 200 data/voc20", "leave the rest of the line to others"},
    {"act u --json data/voc20 | tail -1", "the summary for a script"},
};

}  // namespace

constinit const verb upload_verb{
    .name = "upload",
    .usage = "PATH...",
    .sentence = "Upload files and folders to where the cluster file maps them.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .aliases = aliases,
    .note =
        "An interrupted upload goes on where it stopped when the same command is run again.\n"
        "A blob changes only when its new content has arrived whole. Nothing is ever deleted.",
};

}  // namespace act::cli
