#include "tools/act/list_file.hpp"
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
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    ops::download_options how{.always = call.given.force,
                              .compare_content = call.given.hash,
                              .dry_run = call.given.dry_run,
                              .wanted = std::move(*wanted),
                              .items = items->get()};
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
    {"act d --from-list voc.manifest data/voc20", "what a manifest names, without looking for it"},
    {"act d --manifest-out voc.manifest data/voc20", "names, sizes, ETags and hashes of what came"},
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
        "Local files that are not stored are left alone.\n"
        "\n"
        "A list has a name a line, below PATH, or JSON: "
        "{\"name\":\"a/b\",\"size\":123,\"etag\":\"0x8D...\"}, or "
        "with\n"
        "\"source\" and \"destination\" instead of \"name\". Failure lines, --failed-out and manifests are "
        "lists "
        "too.\n"
        "With its size told, a blob costs its GETs and nothing else; an ETag that is told must still be the "
        "blob's.\n"
        "Others are looked up, many at a time, or by pages of a listing where the names are dense.",
};

}  // namespace act::cli
