#include "tools/act/content_options.hpp"
#include "tools/act/copy_pairs.hpp"
#include "tools/act/known_manifest.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/selecting.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

ops::prune_options prune_options_of(const options& given, plan::selection wanted) {
    return {.wanted = std::move(wanted),
            .dry_run = given.dry_run,
            .most = given.most_deleted,
            .most_percent = given.most_deleted_percent};
}

result<summary> sync(invocation& call, session& s, report& r, location_opener& opener, tree_pair& trees,
                     const plan::selection& wanted) {
    enter(r, trees.locations);
    ACT_TRY(summary done, transfer_tree(call, s, r, opener, trees.locations, wanted));
    if (!call.given.delete_extras || done.stopped) return done;
    if (done.failed > 0) {
        call.screen.problem("nothing was deleted, because not everything was transferred");
        return done;
    }
    trees.destination.known = r.known();
    auto context = s.context(r);
    auto gone = s.runtime().run(
        ops::prune(context, trees.source, trees.destination, prune_options_of(call.given, wanted)));
    if (gone) {
        done.deleted = gone->files;
        done.failed += gone->failed;
        done.stopped |= gone->stopped;
    } else {
        // What was transferred stays told.
        r.fail(trees.locations.to.text, gone.error());
    }
    return done;
}

int run(invocation& call) {
    if (!call.given.delete_extras && (call.given.most_deleted || call.given.most_deleted_percent)) {
        return give_up(call, error(kind::usage, "--max-delete limits what --delete does, which is not given",
                                   "add --delete, or leave --max-delete out"));
    }
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    auto wanted = selection_of(call);
    if (!wanted) return give_up(call, wanted.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    auto trees = two_trees(call, opener);
    if (!trees) return give_up(call, trees.error());
    if (auto fine = check_content_options(call.given, {&trees->locations, 1}); !fine)
        return give_up(call, fine.error());
    if (auto fine = check_stored(trees->locations, "rsync(1)"); !fine) return give_up(call, fine.error());
    if (auto fine = check_manifest_in(call.given, {&trees->locations, 1}); !fine)
        return give_up(call, fine.error());
    report r(call, "synced", "file");
    r.tell_deleted();
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    call.words = {trees->locations.from.text};
    return for_each_path(call, s, r,
                         [&](const std::string&) { return sync(call, s, r, opener, *trees, *wanted); });
}

constexpr example examples[] = {
    {"act sync ./voc eu:data/voc", "send what is new or changed"},
    {"act sync --delete ./voc eu:data/voc", "and delete there what is not here"},
    {"act sync --delete --dry-run ./voc eu:data/voc", "show both first"},
    {"act sync --delete --max-delete 5% eu:data/voc ./voc", "delete nothing if it would be more than 5%"},
    {"act sync --delete --manifest-in m --manifest-out m ./voc eu:data/voc",
     "every night; after the first one without listing what is there"},
    {"act sync --hash we:data/voc eu:data/voc", "from store to store, by content"},
};

}  // namespace

constinit const verb sync_verb{
    .name = "sync",
    .usage = "SOURCE DESTINATION",
    .sentence = "Make a destination like its source, one way.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "SOURCE becomes just DESTINATION: a folder's content is compared with that of the folder named. The\n"
        "ends are written as for `act cp`. What is unchanged by size and time (--hash: by content) is "
        "skipped.\n"
        "--delete begins only when everything was transferred without a failure and both ends were read to\n"
        "their end, and not at all when the source is empty. What --exclude leaves out is left alone at "
        "both\n"
        "ends; links to folders are not followed for deletion. --overwrite never or newer leaves what "
        "differs\n"
        "and is older at the source. Links, owners, types and properties are as with `act u` and `act d`;\n"
        "permissions of stored files as with `act cp`.\n"
        "--manifest-in FILE, for uploads, believes what --manifest-out wrote instead of listing the "
        "destination;\n"
        "--delete then deletes what FILE has and SOURCE has not, while it has the ETag in FILE (else it is "
        "looked\n"
        "up first). What others added is not deleted, and what they removed is not noticed: see `act u "
        "--help`.\n"
        "After a run that was interrupted (FILE.begun is there) the destination is listed once, and "
        "--delete\n"
        "deletes what others added, too.",
};

}  // namespace act::cli
