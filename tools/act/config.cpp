#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "submit/runs/runs.hpp"
#include "tools/act/json.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

using settings = std::vector<cluster::setting>;

std::string_view auth_text(const cluster::account& a) {
    using method = cluster::account::method;
    switch (a.auth) {
        case method::automatic:
            return !a.key.empty() ? "key" : !a.sas.empty() ? "sas" : "none";
        case method::key:
            return "key";
        case method::sas:
            return "sas";
        case method::cli:
            return "cli";
        case method::msi:
            return "msi";
        case method::sp:
            return "sp";
        case method::workload:
            return "workload";
    }
    return "none";
}

void add_account(invocation& call, const cluster::config& c, const cluster::account& a, settings& to) {
    std::string head = fmt::format("account[{}].", a.source);
    if (is_embedded(c, a)) {
        to.push_back({head + "blob_endpoint", "the embedded store, in this process", "default"});
    } else {
        auto endpoint = endpoint_of(a);
        to.push_back({head + "account_name", a.name, a.source});
        to.push_back({head + "blob_endpoint", endpoint ? endpoint->str() : a.blob_endpoint,
                      a.blob_endpoint.empty() ? "default" : a.source});
        to.push_back({head + "auth", std::string(auth_text(a)),
                      a.auth == cluster::account::method::automatic ? "default" : a.source});
        if (!a.key.empty()) to.push_back({head + "account_key", "***", a.source, true});
        if (!a.sas.empty()) to.push_back({head + "sas_token", "***", a.source, true});
    }
    to.push_back({head + "container_name", a.container, a.source});
    if (!a.customer_key.empty()) to.push_back({head + "customer_key", "***", a.source, true});
    if (!a.encryption_scope.empty()) to.push_back({head + "encryption_scope", a.encryption_scope, a.source});
    for (const auto& warning : a.warnings) call.screen.problem("warning: " + warning);
}

void add_own(invocation& call, settings& to) {
    const options& given = call.given;
    auto add = [&](std::string_view name, std::string value) {
        bool flag = given.seen.contains(name);
        to.push_back(
            {std::string(name.substr(2)), std::move(value), flag ? fmt::format("flag {}", name) : "default"});
    };
    add("--threads", given.threads ? std::to_string(given.threads) : "one per core, at most 16");
    add("--memory", human_size(given.memory));
    add("--concurrency",
        given.concurrency ? std::to_string(*given.concurrency) : "found out, from 32 up to 256");
    auto folder = [&](const char* name, const char* variable, const result<std::string>& value) {
        bool set = call.world.variable(variable).starts_with('/');
        to.push_back({name, value ? *value : value.error().message(),
                      set ? fmt::format("environment {}", variable) : "default"});
    };
    folder("folder of runs", "XDG_STATE_HOME", runs::state_folder(call.world.environment));
    folder("folder of the embedded store", "XDG_DATA_HOME", default_store_root(call.world));
}

void show(invocation& call, const settings& all) {
    if (call.given.json) {
        for (const auto& s : all) {
            json_line line("setting");
            line.add("name", s.name).add("value", s.hidden ? "***" : s.value).add("origin", s.origin);
            call.screen.result(line.text());
        }
        return;
    }
    std::size_t name = 4, value = 5;
    for (const auto& s : all) {
        name = std::min<std::size_t>(48, std::max(name, s.name.size()));
        value = std::min<std::size_t>(48, std::max(value, s.value.size()));
    }
    call.screen.result(fmt::format("{:<{}}  {:<{}}  {}", "name", name, "value", value, "origin"));
    for (const auto& s : all) {
        call.screen.result(fmt::format("{:<{}}  {:<{}}  {}", printable(s.name), name,
                                       s.hidden ? "***" : printable(s.value), value, printable(s.origin)));
    }
}

int run(invocation& call) {
    auto c = load_cluster(call, call.given.cluster);
    if (!c) return give_up(call, c.error());
    settings all = c->settings;
    report r(call, "read", "file");
    std::set<std::string> seen;
    for (const auto& m : c->mappings) {
        if (m.storage_type != "blob" || !seen.insert(m.account_file).second) continue;
        auto account = cluster::load_account(*c, m.account_file, call.world.environment);
        if (account) {
            add_account(call, *c, *account, all);
        } else {
            r.fail(m.account_file, account.error());
        }
    }
    add_own(call, all);
    show(call, all);
    return r.finish_quietly(nullptr);
}

constexpr example examples[] = {
    {"act config", "every value in effect and where it came from; secrets are not shown"},
    {"act -c eu config", "of cluster eu"},
    {"act config --json", "for a script"},
};

}  // namespace

constinit const verb config_verb{
    .name = "config",
    .usage = "",
    .sentence = "Show the configuration in effect, and the origin of each value.",
    .takes = takes::nothing,
    .run = run,
    .examples = examples,
};

}  // namespace act::cli
