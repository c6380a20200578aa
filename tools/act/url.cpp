#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "tools/store/store.hpp"
#include "transfer/auth/sas.hpp"
#include "transfer/blob/names.hpp"

namespace act::cli {

namespace {

// Where `act serve` makes the embedded store reachable.
constexpr const char* embedded_endpoint = "http://127.0.0.1:10000/devstoreaccount1";

struct link {
    std::string url;
    wall_time expires;
};

result<cluster::account> account_for_links(invocation& call, const cluster::config& c,
                                           const cluster::mapping& m) {
    ACT_TRY(cluster::account a, cluster::load_account(c, m.account_file, call.world.environment));
    if (is_embedded(c, a)) {
        ACT_TRY(std::string root, default_store_root(call.world));
        a.name = store::emulator_account;
        a.key = secret(store::emulator_key);
        a.blob_endpoint = embedded_endpoint;
        call.screen.problem("the link works while `act serve` runs (it serves " + root + ")");
    }
    if (a.key.empty()) {
        return error(kind::configuration,
                     a.source + ": a link is signed with the account key, and there is none",
                     "add account_key (env:NAME and file:PATH are allowed), or ask its owner for a link");
    }
    return a;
}

// Made from the key alone, without a request: whether the blob is there shows when the link is used.
result<link> link_to(invocation& call, const cluster::config& c, const std::string& path) {
    ACT_TRY(cluster::location at, cluster::locate(c, path, call.world.working_directory));
    if (at.blob_path.empty() || at.trailing_slash) {
        return error(kind::usage, "a link leads to one file, not to a folder: " + path,
                     "name a file; `act ls " + path + "` shows what is there");
    }
    ACT_TRY_VOID(blob::check_blob_name(at.blob_path));
    ACT_TRY(cluster::account a, account_for_links(call, c, *at.map));
    ACT_TRY(uri endpoint, endpoint_of(a));
    auto life = std::chrono::seconds(static_cast<std::int64_t>(call.given.expires));
    link out;
    out.expires = now() + life;
    auth::sas_request wanted{.container = a.container,
                             .blob = at.blob_path,
                             .permissions = "r",
                             .expiry = out.expires,
                             .https_only = endpoint.tls};
    ACT_TRY(auth::sas sas, auth::mint_service_sas(a.name, a.key, wanted));
    out.url = endpoint.str() + blob::encode_blob_path(a.container, at.blob_path) + "?" + sas.query().reveal();
    return out;
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    report r(call, "made", "link");
    for (const auto& path : call.words) {
        auto made = link_to(call, *cluster, path);
        if (!made) {
            r.fail(path, made.error());
            continue;
        }
        summary one;
        one.files = 1;
        r.add(path, one);
        if (call.given.json) {
            json_line line("url");
            line.add("path", path).add("url", made->url).add("expires", to_iso8601(made->expires));
            call.screen.result(line.text());
        } else {
            call.screen.result(made->url);
        }
    }
    return r.finish_quietly(nullptr);
}

constexpr example examples[] = {
    {"act url data/voc20/train.tar", "a link that works for 30 days"},
    {"act url --expires 12h output/run7/model.pt", "for half a day"},
    {"curl -O \"$(act url data/a.txt)\"", "what to do with it"},
};

}  // namespace

constinit const verb url_verb{
    .name = "url",
    .usage = "PATH...",
    .sentence = "Print a link to read one stored file; whoever has the link can read it.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
