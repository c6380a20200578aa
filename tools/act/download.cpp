#include "tools/act/report.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"

namespace act::cli {

namespace {

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    session s(call, std::move(*cluster));
    report r(call, "downloaded", "file");
    ops::download_options how{.always = call.given.force,
                              .compare_content = call.given.hash,
                              .dry_run = call.given.dry_run,
                              .wanted = std::move(*wanted)};
    if (call.given.block_size > 0) how.part_size = call.given.block_size;
    return for_each_path(call, s, r, [&](const std::string& path) -> result<summary> {
        ACT_TRY(place at, s.find(path));
        auto context = s.context(r);
        return s.runtime().run(ops::download(context, at.remote(), at.location.local, how));
    });
}

constexpr std::string_view aliases[] = {"d"};
constexpr example examples[] = {
    {"act d data/voc20", "a folder, or a file, whichever is stored there"},
    {"act d output/run7/log.txt", "one file"},
    {"act -c eu d output/run7", "from the storage of cluster eu"},
    {"act d --include '*.json' data/coco", "only what matches"},
    {"act d --dry-run data/voc20", "show what would be fetched"},
};

}  // namespace

constinit const verb download_verb{
    .name = "download",
    .usage = "PATH...",
    .sentence = "Download files and folders to the same place in the project.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .aliases = aliases,
    .note =
        "A file appears under its name only when it is whole and verified; until then the old one stays.\n"
        "Local files that are not stored are left alone.",
};

}  // namespace act::cli
