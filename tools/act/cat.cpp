#include "tools/act/content_options.hpp"
#include "tools/act/list_file.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "transfer/ops/operation.hpp"
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

/// True when more may follow: what comes out has no hole in the middle.
bool stream_one(invocation& call, session& s, report& r, const std::string& text, const ops::remote& from,
                const ops::stream_out_options& how) {
    auto context = s.context(r);
    auto sent = s.runtime().run(ops::stream_out(context, from, call.world.out_descriptor, how));
    if (!sent) {
        r.fail(text, sent.error());
        return false;
    }
    r.add(text, sent->summary);
    return !sent->reader_gone && !r.stopped();
}

/// In the order of the list. Folders have no content.
void stream_listed(invocation& call, session& s, report& r, const source& below, plan::item_list& items,
                   ops::stream_out_options how) {
    for (;;) {
        auto one = items.next();
        if (!one) return r.fail(below.text, one.error());
        if (!*one) return;
        if ((*one)->wrong) return r.fail((*one)->place, *(*one)->wrong);
        if ((*one)->folder) continue;
        ops::remote from = below.at.remote();
        from.path = ops::blob_name(from.path, (*one)->source);
        how.size = (*one)->size;
        how.etag = (*one)->etag;
        if (!stream_one(call, s, r, from.path, from, how)) return;
    }
}

int run(invocation& call) {
    call.screen.results_aside();
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    session s(call, std::move(*cluster));
    report r(call, "streamed", "blob");
    auto items = list_of(call, 1, s.until());
    if (!items) return give_up(call, items.error());
    auto sources = find_all(call, s);
    if (!sources) return give_up(call, sources.error());
    ops::stream_out_options how;
    how.offset = call.given.offset;
    if (call.given.count > 0) how.count = call.given.count;
    how.md5 = call.given.check_md5;
    how.decompress = call.given.decompress;
    if (auto fine = check_content_options(call.given); !fine) return give_up(call, fine.error());
    if (*items) {
        stream_listed(call, s, r, sources->front(), **items, how);
        return r.finish_quietly(s.wire());
    }
    for (const auto& from : *sources) {
        if (!stream_one(call, s, r, from.text, from.at.remote(), how)) break;
    }
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act cat output/run7/log.txt", "one stored file, to the terminal"},
    {"act cat data/voc.tar | tar x", "an archive, unpacked on its way"},
    {"act cat eu:data/part1 eu:data/part2 > whole", "one after another, from cluster eu"},
    {"act cat --offset 1GiB --count 64KiB data/big", "a piece of it"},
    {"act cat --from-list parts.txt data/big > whole", "what a list names below data/big, in its order"},
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
        "first file that cannot be read whole, or line of a list that names none (`act u --help`); size and "
        "etag\n"
        "in a list must hold. With --json the summary goes to standard error. PATH is that\n"
        "of `act d`; `act cp --help` says what CLUSTER:PATH and URL may be.",
};

}  // namespace act::cli
