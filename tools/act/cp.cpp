#include "tools/act/content_options.hpp"
#include "tools/act/copy_pairs.hpp"
#include "tools/act/known_manifest.hpp"
#include "tools/act/list_file.hpp"
#include "tools/act/policy.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "transfer/ops/stream.hpp"

namespace act::cli {

namespace {

/// A stream is not touched by a dry run: what was read of it would be gone.
summary would_do(report& r, std::string_view action, const std::string& text) {
    r.item(action, text, 0);
    summary one;
    one.files = 1;
    return one;
}

result<summary> copy_one(invocation& call, session& s, report& r, location_opener& opener, const copy_pair& p,
                         const plan::selection& wanted) {
    using type = location::type;
    enter(r, p);
    auto context = s.context(r);
    if (p.from.what == type::stream) {
        ACT_TRY(opened_location to, opener.open(p.to));
        const auto how = stream_options_of(call.given);
        ACT_TRY_VOID(ops::check_stream(how));
        if (call.given.dry_run) return would_do(r, "upload", p.to.text);
        return s.runtime().run(ops::stream_in(context, call.world.in_descriptor, to.remote(), how));
    }
    if (p.to.what == type::stream) {
        ACT_TRY_VOID(check_attributes_fit(call.given, "standard output"));
        ACT_TRY(opened_location from, opener.open(p.from));
        if (call.given.dry_run) return would_do(r, "download", p.from.text);
        ops::stream_out_options how;
        how.md5 = call.given.check_md5;
        how.decompress = call.given.decompress;
        ACT_TRY(auto sent,
                s.runtime().run(ops::stream_out(context, from.remote(), call.world.out_descriptor, how)));
        return std::move(sent.summary);
    }
    return transfer_tree(call, s, r, opener, p, wanted);
}

/// With --from-list the ends are just what was named, as for `sync`: there is nothing to be "into".
int copy_listed(invocation& call, session& s, location_opener& opener, plan::item_list& items) {
    auto trees = two_trees(call, opener);
    if (!trees) return give_up(call, trees.error());
    const copy_pair& p = trees->locations;
    if (auto fine = check_stored(p, "cp(1)"); !fine) return give_up(call, fine.error());
    if (auto fine = check_content_options(call.given, {&p, 1}); !fine) return give_up(call, fine.error());
    if (auto fine = check_manifest_in(call.given, {&p, 1}); !fine) return give_up(call, fine.error());
    report r(call, "copied", "file");
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    call.words = {p.from.text};
    return for_each_path(call, s, r, [&](const std::string&) {
        enter(r, p);
        return transfer_tree(call, s, r, opener, p, {}, &items);
    });
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    auto items = list_of(call, 2, s.until());
    if (!items) return give_up(call, items.error());
    if (*items) return copy_listed(call, s, opener, **items);
    auto pairs = copy_pairs_of(call, opener);
    if (!pairs) return give_up(call, pairs.error());
    if (auto fine = check_content_options(call.given, *pairs); !fine) return give_up(call, fine.error());
    if (auto fine = check_manifest_in(call.given, *pairs); !fine) return give_up(call, fine.error());
    const bool to_stream = pairs->front().to.what == location::type::stream;
    if (to_stream && !call.given.manifest_out.empty()) {
        return give_up(call, error(kind::usage, "a manifest tells of what is written to a place with names",
                                   "leave out --manifest-out, or copy to a file"));
    }
    if (to_stream) call.screen.results_aside();
    report r(call, "copied", "file");
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    call.words.clear();
    for (const auto& p : *pairs) call.words.push_back(p.from.text);
    auto next = pairs->begin();
    if (to_stream) {
        r.add(next->from.text, copy_one(call, s, r, opener, *next, *wanted));
        return r.finish_quietly(s.wire());
    }
    return for_each_path(call, s, r,
                         [&](const std::string&) { return copy_one(call, s, r, opener, *next++, *wanted); });
}

constexpr example examples[] = {
    {"act cp ./voc eu:data/voc", "a file or folder to where cluster eu keeps data/voc"},
    {"act cp eu:data/voc ./voc", "and back"},
    {"act cp ./a.txt ./b 'https://acc.blob.core.windows.net/con/dir/?SAS'", "into a folder, by URL"},
    {"act cp eu:output/log.txt .", "into this folder"},
    {"tar c src | act cp - eu:data/src.tar", "standard input, of any length"},
    {"act cp eu:data/src.tar - | tar t", "and back"},
    {"act cp we:data/voc eu:data/voc", "from store to store, within the service where it can"},
    {"act cp --preserve-permissions we:data/voc eu:data/voc", "with owners, groups and ACLs"},
    {"act cp --include '*.json' we:data/voc ./voc", "only what matches, at any depth"},
    {"act cp --from-list names.txt ./voc eu:data/voc", "only what is named, below both ends"},
    {"act cp --overwrite newer ./voc eu:data/voc", "never replace what is newer there"},
    {"journalctl | act cp --blob-type append - eu:output/log", "as an append blob"},
    {"act cp --header content-type=text/csv - eu:data/a", "with what only a store knows"},
    {"act cp --dry-run ./voc local:data/", "show what would be sent to the built-in store"},
};

}  // namespace

constinit const verb cp_verb{
    .name = "cp",
    .usage = "SOURCE... DESTINATION",
    .sentence = "Copy files, folders and streams from and to stores.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "An end is a path of this machine; CLUSTER:PATH, where `act -c CLUSTER d PATH` looks (local: is the\n"
        "built-in cluster); a blob URL, with a SAS or with the credential of an account file of the "
        "project;\n"
        "or - for standard input or output. A colon makes a cluster only behind a plain word that is no "
        "name\n"
        "here: ./a:b is always a path.\n"
        "Folders are copied with all that is below. With several sources, or when DESTINATION ends in a "
        "slash\n"
        "or is . or .. or a whole container, they go into it under their own names; else the source gets "
        "just\n"
        "that name, and a folder is merged into the one that is there. SOURCE/. means what is in it.\n"
        "From store to store the service copies by itself: it is shown a SAS for reading, or the source's "
        "access\n"
        "token where its account file has `auth` (append and page blobs come through this machine then).\n"
        "--preserve-permissions keeps owner, group and ACL of files and folders, also those of the folder "
        "that\n"
        "is copied, between accounts with a hierarchical namespace. It takes two more requests for each file "
        "and\n"
        "up to three for each folder, unchanged ones too, whose permissions are set where they differ.\n"
        "What is there already and unchanged is skipped, and an interrupted copy goes on, as with u and d.\n"
        "With --from-list both ends are just what was named; see `act u --help` and `act d --help` for the "
        "list.\n"
        "--metadata, --header, --tag and --tier go with what is sent to a store, and replace there what a "
        "source\n"
        "in another store has of the same name; what is unchanged is not copied again for them (`act set`\n"
        "does that). Links, owners, content types and --blob-type: `act u --help`, `act d --help`.\n"
        "A producer that dies looks like one that has ended: `set -o pipefail` in scripts tells.",
};

}  // namespace act::cli
