#include "tools/act/content_options.hpp"
#include "tools/act/known_manifest.hpp"
#include "tools/act/list_file.hpp"
#include "tools/act/policy.hpp"
#include "tools/act/report.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"
#include "transfer/ops/copy.hpp"

namespace act::cli {

namespace {

int upload(invocation& call, cluster::config cluster, plan::selection wanted) {
    if (call.given.keep_permissions) return give_up(call, permissions_are_stored());
    if (auto fine = check_manifest_in(call.given, call.words.size()); !fine)
        return give_up(call, fine.error());
    session s(call, std::move(cluster));
    report r(call, "uploaded", "file");
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    auto how = upload_options_of(call.given, std::move(wanted));
    how.items = items->get();
    return for_each_path(call, s, r, [&](const std::string& path) -> result<summary> {
        ACT_TRY(place at, s.find(path));
        if (call.words.size() == 1) {
            ACT_TRY(how.known, r.goes_to(stored_place(*at.account, at.remote()), s.until()));
        }
        auto context = s.context(r);
        return s.runtime().run(ops::upload(context, at.location.local, at.remote(), how));
    });
}

int copy(invocation& call, cluster::config to, plan::selection wanted) {
    auto from = load_cluster(call, call.given.from_cluster);
    if (!from) return give_up(call, from.error());
    if (from->name == to.name && from->file == to.file) {
        return give_up(call, error(kind::usage, "source and destination are both cluster " + to.name,
                                   "name the source with -f and another cluster, the destination, with -c"));
    }
    if (!call.given.manifest_in.empty()) return give_up(call, no_manifest_in_from_store());
    if (call.given.put_md5) {
        return give_up(call,
                       error(kind::usage, "--put-md5 is for uploads; copies keep the MD5s that there are",
                             "leave it out"));
    }
    if (call.given.blob_type) {
        return give_up(call,
                       error(kind::usage, "--blob-type is for uploads; copies keep the type of their source",
                             "leave it out"));
    }
    session s(call, std::move(to));
    report r(call, "copied", "file");
    r.tell_ways();
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    auto how = copy_options_of(call.given, std::move(wanted));
    how.items = items->get();
    return for_each_path(call, s, r, [&](const std::string& path) -> result<summary> {
        ACT_TRY(place source, s.find(*from, path));
        ACT_TRY(place target, s.find(path));
        if (call.words.size() == 1)
            ACT_TRY_VOID(r.goes_to(stored_place(*target.account, target.remote()), s.until()));
        auto& link = s.link(*source.account, *target.account);
        const auto at = source.remote();
        auto context = s.context(r);
        return s.runtime().run(
            ops::copy(context, {at.client, at.container, at.path, link}, target.remote(), how));
    });
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    return call.given.from_cluster.empty() ? upload(call, std::move(*cluster), std::move(*wanted))
                                           : copy(call, std::move(*cluster), std::move(*wanted));
}

constexpr std::string_view aliases[] = {"u"};
constexpr example examples[] = {
    {"act u data/voc20", "a folder; what is there already and unchanged costs nothing"},
    {"act u data/a.tar data/b.tar", "two files"},
    {"act -c eu u data/voc20", "to the storage of cluster eu"},
    {"act -c eu -f we u data/voc20", "from the storage of cluster we to that of eu, without a local copy"},
    {"act u --exclude '*.tmp' --exclude cache/ data/voc20", "leave out, at any depth"},
    {"act u --dry-run data/voc20", "show what would be sent"},
    {"act u --put-md5 data/voc20", "with the MD5 of each file, for other tools to check"},
    {"act u --hash data/voc20", "compare contents, not times"},
    {"act u --cap-mbps 200 data/voc20", "leave the rest of the line to others"},
    {"act u --overwrite newer data/voc20",
     "never replace what is newer there; `never`: nothing that is there"},
    {"act u --tier Cool --metadata run=7 data/voc20", "with properties; see the end of the notes"},
    {"act u --blob-type page data/disk.vhd", "as a page blob, without its holes"},
    {"act u --preserve-symlinks data/voc20", "links as links, not as what they lead to"},
    {"act u --json data/voc20 | tail -1", "the summary for a script"},
    {"find data/voc20 -newer mark -printf '%P\\n' | act u --from-list - data/voc20", "only these"},
    {"act u --manifest-out list data/voc20", "names, sizes, ETags and hashes, for `act check`"},
    {"act u --manifest-in list --manifest-out list data/voc20", "what changed since, without listing"},
    {"act u --failed-out failed data/voc20; act u --from-list failed data/voc20", "only what failed again"},
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
        "A blob changes only when its new content has arrived whole. Nothing is ever deleted.\n"
        "Times and modes are recorded; --preserve-owner adds user and group (as rclone does). Symbolic "
        "links\n"
        "are followed; --preserve-symlinks stores them as small blobs that azcopy understands. What PATH\n"
        "itself is, is followed always.\n"
        "The content type is told by the extension of the name, the encoding never; --header wins. "
        "--metadata,\n"
        "--header, --tag and --tier go with what is sent. What is unchanged is not sent again for them:\n"
        "`act set` changes what is there already.\n"
        "--blob-type page or append: files become such blobs (folders and links stay block blobs). A page "
        "blob\n"
        "is a multiple of 512 bytes, and zeros and holes are not sent. They grow in place: what stood there "
        "is\n"
        "gone at the beginning, a failed one is taken back, and there is no going on within a file. A blob "
        "of\n"
        "another type than asked for is replaced as one with other content. Without --blob-type or --force "
        "a\n"
        "large file takes no place of a page or append blob: that would be gone before the file is there.\n"
        "\n"
        "A list has a name a line, below PATH, or JSON: {\"name\":\"a/b\",\"size\":123}, or with \"source\" "
        "and\n"
        "\"destination\" instead of \"name\". Failure lines, --failed-out and manifests are lists too. With "
        "its "
        "size\n"
        "told, a file is sent without a look at what is stored: one request, if nothing stands there.\n"
        "With --manifest-in FILE, which --manifest-out wrote, nothing is listed: what is unchanged by FILE "
        "costs no\n"
        "request, what is not goes on condition of the ETag in FILE, and is looked up where that is another. "
        "What\n"
        "somebody else removed or changed there while the file stayed as it was is not noticed: `act check\n"
        "--manifest` finds it, or a run without --manifest-in. Give both the same FILE: it is replaced at "
        "the end.\n"
        "FILE.begun beside it tells that a run changed something there and did not come to writing FILE: "
        "then\n"
        "the destination is listed once.\n"
        "\n"
        "With -f NAME the files come from the storage of that cluster, each path as its own cluster file "
        "maps\n"
        "it; what is stored here does not matter. Azure copies by itself where it can; where it cannot, for "
        "a\n"
        "firewall or an emulator, the data pass through this machine. The summary says how many went which "
        "way.",
};

}  // namespace act::cli
