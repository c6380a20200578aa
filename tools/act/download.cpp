#include "tools/act/content_options.hpp"
#include "tools/act/list_file.hpp"
#include "tools/act/policy.hpp"
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
    auto how = download_options_of(call.given, std::move(*wanted));
    how.items = items->get();
    if (auto fine = check_content_options(call.given); !fine) return give_up(call, fine.error());
    return for_each_path(call, s, r, [&](const std::string& path) -> result<summary> {
        ACT_TRY(place at, s.find(path));
        if (call.words.size() == 1) ACT_TRY_VOID(r.goes_to(at.location.local, s.until()));
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
    {"act d --overwrite never data/voc20", "only what is not here; `newer`: what is newer there, too"},
    {"act d --preserve-symlinks data/voc20", "make links of what was stored as links"},
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
        "A blob's stored MD5 is compared where another tool wrote it; what act wrote is verified by its own\n"
        "hashes. --check-md5 fail compares always, require takes no blob without. --decompress keeps the "
        "names\n"
        "(azcopy takes .gz away), and takes a file as unchanged that has just the time it would get.\n"
        "Archived blobs are failures: bring them back with `act set --tier Hot PATH` first.\n"
        "\n"
        "A list has a name a line, below PATH, or JSON: "
        "{\"name\":\"a/b\",\"size\":123,\"etag\":\"0x8D...\"}, or "
        "with\n"
        "\"source\" and \"destination\" instead of \"name\". Failure lines, --failed-out and manifests are "
        "lists "
        "too.\n"
        "With its size told, a blob costs its GETs and nothing else; an ETag that is told must still be the "
        "blob's.\n"
        "Others are looked up, many at a time, or by pages of a listing where the names are dense.\n"
        "\n"
        "What stands for a symbolic link is left out, with a warning, unless --preserve-symlinks is given. "
        "A\n"
        "link that is absolute or may lead out of PATH is then a failure, unless --unsafe-symlinks is given "
        "too.\n"
        "Nothing is written through a link below PATH that leads out of it; --follow-symlinks allows that, "
        "for\n"
        "folders of yours that lie elsewhere. PATH itself may be a link, or lie behind one.\n"
        "Modes come back, and with --preserve-owner user and group (which takes root); set-user-id and\n"
        "set-group-id only together with the owner.",
};

}  // namespace act::cli
