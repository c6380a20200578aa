#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "tools/act/json.hpp"
#include "tools/act/location.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"
#include "transfer/blob/names.hpp"

namespace act::cli {

namespace {

struct wanted_container {
    opened_account* account = nullptr;
    std::string container;
};

/// The account of every mapping, each once.
result<std::vector<wanted_container>> containers_of(session& s, const cluster::config& c) {
    std::vector<wanted_container> out;
    for (const auto& m : c.mappings) {
        if (m.storage_type == "file") continue;
        ACT_TRY(opened_account * account, s.account_of(c, m));
        const bool seen = std::any_of(out.begin(), out.end(),
                                      [&](const wanted_container& w) { return w.account == account; });
        if (!seen) out.push_back({account, account->settings.container});
    }
    if (out.empty()) {
        return error(kind::configuration, "cluster " + c.name + " has no folder in a container",
                     "add data_folder to config_param in " + c.file);
    }
    return out;
}

result<std::vector<wanted_container>> find(invocation& call, session& s, location_opener& opener,
                                           const std::string& word) {
    ACT_TRY(location at, parse_location(call.world, word, plain::stored));
    if (at.what == location::type::url) {
        ACT_TRY(opened_location found, opener.open(at));
        if (!found.path.empty()) {
            return error(kind::usage, "URL '" + at.text + "' goes on behind the container",
                         "end it with the container's name");
        }
        return std::vector{wanted_container{found.account, found.container}};
    }
    ACT_TRY(const cluster::config* c, opener.cluster_of(at.cluster));
    ACT_TRY(auto all, containers_of(s, *c));
    if (!at.cluster.empty() && at.path.empty()) return all;
    ACT_TRY_VOID(blob::check_container_name(at.path));
    std::set<std::string> accounts;
    for (const auto& w : all) accounts.insert(w.account->client->url({at.path, {}}));
    if (accounts.size() > 1) {
        return error(kind::usage,
                     "cluster " + c->name + " has several accounts; which one is '" + at.path + "' for?",
                     "write its URL, for instance " + *accounts.begin());
    }
    return std::vector{wanted_container{all.front().account, at.path}};
}

summary make(invocation& call, session& s, report& r, const wanted_container& w,
             const blob::container_options& how) {
    const std::string url = w.account->client->url({w.container, {}});
    summary one;
    bool made = true;
    if (!call.given.dry_run) {
        auto outcome = s.runtime().run(w.account->client->create_container(w.container, s.until(), how));
        if (!outcome && outcome.error().code() != "ContainerAlreadyExists") {
            r.fail(url, outcome.error());
            return one;
        }
        made = outcome.has_value();
    }
    (made ? one.files : one.skipped) = 1;
    if (call.given.json) {
        call.screen.result(
            json_line("container").add("url", url).add("made", made && !call.given.dry_run).text());
    } else {
        const char* what = call.given.dry_run ? "would make" : made ? "made" : "is there already:";
        call.screen.result(fmt::format("{} {}", what, url));
    }
    return one;
}

int run(invocation& call) {
    auto cluster = load_cluster(call, call.given.cluster);
    if (!cluster) return give_up(call, cluster.error());
    // Of the container, not of what this call writes, which is nothing.
    const blob::container_options how{std::exchange(call.given.encryption_scope, {}), call.given.only_scope};
    if (how.only_that_scope && how.default_scope.empty()) {
        return give_up(call, error(kind::usage, "--only-scope is for a container with an encryption scope",
                                   "name that one: --encryption-scope NAME"));
    }
    session s(call, std::move(*cluster));
    location_opener opener(call, s);
    report r(call, "made", "container");
    for (const auto& word : call.words) {
        if (r.stopped()) break;
        auto found = find(call, s, opener, word);
        if (!found) {
            r.fail(redact(word), found.error());
            continue;
        }
        for (const auto& w : *found) r.add(w.container, make(call, s, r, w, how));
    }
    return r.finish_quietly(s.wire());
}

constexpr example examples[] = {
    {"act mkcontainer eu:", "the containers that cluster eu's folders are in"},
    {"act -c eu mkcontainer results", "one more in the account of cluster eu"},
    {"act mkcontainer 'https://acc.blob.core.windows.net/results'", "by URL"},
    {"act mkcontainer --encryption-scope lab eu:", "what comes is encrypted with the key of scope lab"},
};

}  // namespace

constinit const verb mkcontainer_verb{
    .name = "mkcontainer",
    .usage = "CLUSTER:|NAME|URL...",
    .sentence = "Make containers.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note = "A container that is there already is left as it is, and is no failure.",
};

}  // namespace act::cli
