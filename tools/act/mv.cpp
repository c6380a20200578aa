#include "tools/act/content_options.hpp"
#include "tools/act/copy_pairs.hpp"
#include "tools/act/policy.hpp"
#include "tools/act/report.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

// Content decides what is there already: time and size are not enough to remove the other copy.
template <class Options>
Options moving(Options how) {
    how.compare_content = true;
    how.remove_source = true;
    return how;
}

result<summary> move_one(invocation& call, session& s, report& r, location_opener& opener,
                         const copy_pair& p) {
    using type = location::type;
    enter(r, p);
    auto context = s.context(r);
    if (p.from.what == type::local) {
        const auto how = moving(upload_options_of(call.given, {}));
        ACT_TRY(opened_location to, opener.open(p.to));
        const std::string local = call.world.absolute(p.from.path);
        return s.runtime().run(ops::upload(context, local, to.remote(), how));
    }
    if (p.to.what == type::local) {
        const auto how = moving(download_options_of(call.given, {}));
        ACT_TRY(opened_location from, opener.open(p.from));
        const std::string local = call.world.absolute(p.to.path);
        return s.runtime().run(ops::download(context, from.remote(), local, how));
    }
    return copy_between_stores(s, r, opener, p, moving(copy_options_of(call.given, {})));
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    auto pairs = copy_pairs_of(call, opener);
    if (!pairs) return give_up(call, pairs.error());
    for (const auto& p : *pairs) {
        if (p.from.what != location::type::stream && p.to.what != location::type::stream) continue;
        return give_up(call, error(kind::usage, "a stream cannot be moved", "use `act cp`"));
    }
    if (auto fine = check_content_options(call.given, *pairs); !fine) return give_up(call, fine.error());
    report r(call, "moved", "file");
    if (auto opened = r.open_files(); !opened) return give_up(call, opened.error());
    call.words.clear();
    for (const auto& p : *pairs) call.words.push_back(p.from.text);
    auto next = pairs->begin();
    return for_each_path(call, s, r,
                         [&](const std::string&) { return move_one(call, s, r, opener, *next++); });
}

constexpr example examples[] = {
    {"act mv ./run7 eu:output/run7", "a folder from this machine to where cluster eu keeps it"},
    {"act mv eu:output/run7 ./run7", "and back"},
    {"act mv we:output/run7 eu:output/run7", "from store to store"},
    {"act mv ./a ./b eu:data/", "two files into a folder"},
    {"act mv --dry-run ./run7 eu:output/run7", "show what would go"},
};

}  // namespace

constinit const verb mv_verb{
    .name = "mv",
    .usage = "SOURCE... DESTINATION",
    .sentence = "Move files and folders from and to stores.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "As `act cp`, whose help says what the ends may be. Each source goes only when its copy is whole "
        "and\n"
        "verified, and only if it is still what was read: a file of the same size and time, a blob of the "
        "same\n"
        "ETag. What is behind a symbolic link to a folder is copied and stays, and so does a blob with\n"
        "snapshots. With --overwrite never or newer what is left at the destination keeps its source, too; "
        "with\n"
        "--preserve-symlinks a link is moved as a link. An interrupted move goes on when the same command is "
        "run again.",
};

}  // namespace act::cli
