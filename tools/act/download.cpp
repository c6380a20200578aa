#include "tools/act/content_options.hpp"
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
                              .wanted = std::move(*wanted),
                              .md5 = call.given.check_md5,
                              .decompress = call.given.decompress};
    if (auto fine = check_content_options(call.given); !fine) return give_up(call, fine.error());
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
    {"act d --decompress data/logs", "what is stored gzip'd, unpacked"},
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
        "Local files that are not stored are left alone.\n"
        "\n"
        "A blob's stored MD5 is compared where another tool wrote it; what act wrote is verified by its own\n"
        "hashes. --check-md5 fail compares always, require takes no blob without. --decompress keeps the "
        "names\n"
        "(azcopy takes .gz away), and takes a file as unchanged that has just the time it would get.\n"
        "Archived blobs are failures: bring them back with `act set --tier Hot PATH` first.",
};

}  // namespace act::cli
