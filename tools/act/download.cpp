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
    const auto how = download_options_of(call.given, std::move(*wanted));
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
    {"act d --overwrite never data/voc20", "only what is not here; `newer`: what is newer there, too"},
    {"act d --preserve-symlinks data/voc20", "make links of what was stored as links"},
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
