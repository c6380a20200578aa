#include "tools/act/content_options.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "transfer/ops/stream.hpp"

namespace act::cli {

namespace {

struct source {
    std::string text;
    opened_location at;
};

/// All are found before the first byte comes out.
result<std::vector<source>> find_all(invocation& call, session& s) {
    location_opener opener(call, s);
    std::vector<source> out;
    ACT_TRY(const auto places, stored_locations(call));
    for (const location& where : places) {
        ACT_TRY(opened_location at, opener.open(where));
        out.push_back({where.text, std::move(at)});
    }
    return out;
}

int run(invocation& call) {
    call.screen.results_aside();
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    report r(call, "streamed", "blob");
    auto sources = find_all(call, s);
    if (!sources) return give_up(call, sources.error());
    ops::stream_out_options how;
    how.offset = call.given.offset;
    if (call.given.count > 0) how.count = call.given.count;
    how.md5 = call.given.check_md5;
    how.decompress = call.given.decompress;
    if (auto fine = check_content_options(call.given); !fine) return give_up(call, fine.error());
    for (const auto& from : *sources) {
        auto context = s.context(r);
        auto sent =
            s.runtime().run(ops::stream_out(context, from.at.remote(), call.world.out_descriptor, how));
        if (!sent) {
            // No more after it: what comes out has no hole in the middle.
            r.fail(from.text, sent.error());
            break;
        }
        r.add(from.text, sent->summary);
        if (sent->reader_gone || r.stopped()) break;
    }
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act cat output/run7/log.txt", "one stored file, to the terminal"},
    {"act cat data/voc.tar | tar x", "an archive, unpacked on its way"},
    {"act cat eu:data/part1 eu:data/part2 > whole", "one after another, from cluster eu"},
    {"act cat --offset 1GiB --count 64KiB data/big", "a piece of it"},
    {"act cat --decompress data/log.gz | grep x", "what is stored with Content-Encoding gzip"},
    {"act cat 'https://acc.blob.core.windows.net/con/a.csv?SAS' | head", "by URL; quoted because of the '&'"},
};

}  // namespace

constinit const verb cat_verb{
    .name = "cat",
    .usage = "PATH|CLUSTER:PATH|URL...",
    .sentence = "Write stored files to standard output, one after another.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "Parts are read in parallel, and each is verified before its first byte comes out. It ends at the\n"
        "first file that cannot be read whole. With --json the summary goes to standard error. PATH is that\n"
        "of `act d`; `act cp --help` says what CLUSTER:PATH and URL may be.",
};

}  // namespace act::cli
