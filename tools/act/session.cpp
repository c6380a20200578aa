#include "tools/act/session.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "submit/runs/runs.hpp"
#include "tools/act/forecast.hpp"
#include "tools/act/progress_bar.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/world.hpp"
#include "tools/store/store.hpp"
#include "transfer/auth/credential.hpp"
#include "transfer/auth/token.hpp"

namespace act::cli {

using namespace std::chrono_literals;

namespace {

void tell_warnings(screen& to, const cluster::config& c) {
    for (const auto& warning : c.warnings) to.problem("warning: " + warning);
}

}  // namespace

result<cluster::config> load_cluster(invocation& call, const std::string& name, const std::string& from) {
    cluster::load_options where{.name = name,
                                .working_directory = from.empty() ? call.world.working_directory : from,
                                .environment = call.world.environment};
    ACT_TRY(cluster::config c, call.shared ? call.shared->load(where) : cluster::load(where));
    const options& given = call.given;
    auto override = [&](const char* setting, std::string value, std::string_view flag) {
        std::erase_if(c.settings, [&](const cluster::setting& s) { return s.name == setting; });
        c.settings.push_back({setting, std::move(value), fmt::format("flag {}", flag)});
    };
    if (given.num_gpu) {
        c.num_gpu = given.num_gpu;
        override("num_gpu", std::to_string(*given.num_gpu), "-n");
    }
    if (given.single) {
        c.multi_process = false;
        override("multi_process", "false", "-single");
    }
    if (given.hold) {
        c.sleep_if_fail = true;
        override("sleep_if_fail", "true", "-hold");
    }
    if (given.compile_args) {
        c.compile_args = *given.compile_args;
        override("compile_args", *given.compile_args, "-ca");
    }
    // Those of a file that many calls share were told when it was read.
    if (!call.shared) tell_warnings(call.screen, c);
    return c;
}

result<std::string> default_store_root(const world& w) {
    auto folder = runs::data_folder(w.environment);
    if (!folder) return error(folder.error()).in("there is no place for the embedded store");
    return *folder + "/store";
}

bool is_embedded(const cluster::config& c, const cluster::account& a) {
    return c.platform == "local" && a.blob_endpoint.empty() && a.key.empty() && a.sas.empty() &&
           a.auth == cluster::account::method::automatic;
}

result<uri> endpoint_of(const cluster::account& a) {
    std::string url =
        a.blob_endpoint.empty() ? "https://" + a.name + ".blob.core.windows.net" : a.blob_endpoint;
    auto parsed = parse_uri(url);
    if (!parsed)
        return error(kind::configuration, parsed.error().message(), parsed.error().advice()).in(a.source);
    while (parsed->path.ends_with('/')) parsed->path.pop_back();
    return std::move(*parsed);
}

result<blob::encryption> encryption_of(const cluster::account& a, bool from_environment,
                                       const std::string& scope,
                                       const std::map<std::string, std::string>& environment) {
    constexpr const char* variable = "CPK_ENCRYPTION_KEY";
    const auto in = [](const std::string& where, const error& e) { return error(e).in(where); };
    blob::encryption out;
    out.scope = scope.empty() ? a.encryption_scope : scope;
    if (!out.scope.empty()) {
        if (auto good = blob::check_scope(out.scope); !good) return in(a.source, good.error());
    }
    if (!a.customer_key.empty()) {
        auto key = blob::customer_key::read(a.customer_key);
        if (!key) return in(a.source + ": customer_key", key.error());
        out.key = std::move(*key);
    } else if (from_environment) {
        const auto value = [&](const std::string& name) {
            auto found = environment.find(name);
            return found == environment.end() ? std::string() : found->second;
        };
        const secret text(value(variable));
        if (text.empty()) {
            return error(
                kind::configuration,
                fmt::format("--customer-key takes the key from {}, which is not set", variable),
                fmt::format("set it to the base64 of 32 bytes: read -rs {0} && export {0}; or name a "
                            "file as customer_key in the account file",
                            variable));
        }
        auto key = blob::customer_key::read(text, value(variable + std::string("_SHA256")));
        if (!key) return in(variable, key.error());
        out.key = std::move(*key);
    }
    if (out.key && !out.scope.empty()) {
        return error(kind::configuration,
                     fmt::format("account {}: a customer-provided key and the encryption scope {} are given",
                                 a.name, out.scope),
                     "a blob is encrypted with the one or the other: leave one out");
    }
    return out;
}

namespace {

constexpr unsigned lanes_of_one = 4;
result<std::shared_ptr<auth::live_token>> kept(result<std::shared_ptr<auth::token_source>> from) {
    if (!from) return from.error();
    return auth::keep(std::move(*from));
}

std::unique_ptr<host_cap> cap_of(const world& w) {
    auto cap = open_host_cap(w);
    if (cap) return std::move(*cap);
    log::debug("what `act cap` says does not hold here: {}", cap.error().describe());
    return nullptr;
}

controller::options control_of(const options& given, host_cap* together) {
    controller::options o{
        .cap_operations = given.cap_operations, .cap_bytes = given.cap_bytes, .together = together};
    if (given.concurrency) o.start = o.least = o.most = *given.concurrency;
    return o;
}

/// Counts for one call what passes the gate that it shares with others.
class counted final : public http::admission {
public:
    counted(std::shared_ptr<http::admission> gate, http::counters& to) : gate_(std::move(gate)), to_(to) {}
    bool try_enter(std::uint64_t bytes, steady::time_point at) override {
        return gate_->try_enter(bytes, at);
    }
    task<result<void>> enter(std::uint64_t bytes, until u) override {
        return gate_->enter(bytes, std::move(u));
    }
    void leave(const report& r) override {
        constexpr auto relaxed = std::memory_order_relaxed;
        to_.requests.fetch_add(1, relaxed);
        to_.body_bytes_sent.fetch_add(r.sent, relaxed);
        to_.body_bytes_received.fetch_add(r.bytes - r.sent, relaxed);
        gate_->leave(r);
    }
    steady::duration repeat(std::uint64_t bytes, steady::duration age) override {
        const auto pause = gate_->repeat(bytes, age);
        if (pause == steady::duration()) to_.hedged.fetch_add(1, std::memory_order_relaxed);
        return pause;
    }

private:
    const std::shared_ptr<http::admission> gate_;
    http::counters& to_;
};

}  // namespace

// ---- resources

resources::resources(const world& w, screen& s, const options& given)
    : world_(w),
      screen_(s),
      threads_(given.threads),
      memory_(given.memory),
      hedge_(!given.no_hedge),
      customer_key_(given.customer_key),
      encryption_scope_(given.encryption_scope),
      cap_(cap_of(w)),
      control_(control_of(given, cap_.get())),
      lanes_(control_.start) {}

resources::~resources() {
    accounts_.clear();
    if (transport_) runtime_->run(transport_->close());
    if (store_) runtime_->run(store_->stop(200ms));
}

act::runtime& resources::runtime() {
    std::lock_guard lock(making_);
    if (!runtime_) runtime_.emplace(runtime_options{.loops = threads_});
    return *runtime_;
}

buffer_pool& resources::buffers() {
    std::lock_guard lock(making_);
    if (!buffers_) buffers_.emplace(memory_);
    return *buffers_;
}

http::client& resources::transport() {
    if (!transport_) {
        http::client_options o;
        o.user_agent = "act/" ACT_VERSION;
        o.proxies = http::proxy_rules(world_.environment);
        const unsigned per_loop = control_.most / std::max(1u, runtime().size()) + 1;
        o.max_connections_per_loop = std::max(o.max_connections_per_loop, per_loop);
        transport_ = std::make_unique<http::client>(runtime(), o);
    }
    return *transport_;
}

const http::counters* resources::wire() const { return transport_ ? &transport_->stats() : nullptr; }

result<cluster::config> resources::load(const cluster::load_options& where) {
    std::lock_guard lock(making_);
    auto found = clusters_.find(where.name);
    if (found == clusters_.end()) {
        ACT_TRY(cluster::config c, cluster::load(where));
        tell_warnings(screen_, c);
        found = clusters_.emplace(where.name, std::move(c)).first;
    }
    return found->second;
}

ops::copy_link& resources::link(const opened_account& from, const opened_account& to) {
    std::lock_guard lock(making_);
    const cluster::account& a = from.settings;
    // What `auth` names is used, and nothing else that may be there.
    if (from.token)
        return links_.try_emplace({&from, &to}, *from.client, from.token, *to.client).first->second;
    const secret key = a.auth == cluster::account::method::sas ? secret() : a.key;
    return links_.try_emplace({&from, &to}, *from.client, key, a.sas).first->second;
}

result<void> resources::start_store(cluster::account& a) {
    if (!store_) {
        store::options o;
        ACT_TRY(o.root, default_store_root(world_));
        o.listen = "127.0.0.1:0";
        auto made = std::make_unique<store::store>(runtime(), o);
        auto started = made->start();
        if (!started) return error(started.error()).in("cannot open the embedded store in " + o.root);
        store_ = std::move(made);
    }
    a.name = store::emulator_account;
    a.key = secret(store::emulator_key);
    a.blob_endpoint = store_->endpoint();
    return {};
}

result<std::shared_ptr<auth::live_token>> resources::token_for(const cluster::account& a) {
    using method = cluster::account::method;
    switch (a.auth) {
        case method::cli:
            return auth::keep(auth::azure_cli(runtime()));
        case method::msi:
            return kept(auth::managed_identity(transport(), world_.environment));
        case method::sp:
            return kept(auth::service_principal(transport(), world_.environment));
        case method::workload:
            return kept(auth::workload_identity(transport(), world_.environment));
        default:
            return std::shared_ptr<auth::live_token>();
    }
}

result<std::shared_ptr<http::authorizer>> resources::authorizer_for(const opened_account& opened) {
    using method = cluster::account::method;
    const cluster::account& a = opened.settings;
    auto needs = [&](const char* key) {
        return error(kind::configuration,
                     fmt::format("{}: `auth` asks for {}, which is not there", a.source, key),
                     fmt::format("add {}, or take `auth` out", key));
    };
    switch (a.auth) {
        case method::key:
            if (a.key.empty()) return needs("account_key");
            return auth::shared_key(a.name, a.key);
        case method::sas:
            if (a.sas.empty()) return needs("sas_token");
            return auth::shared_access_signature(a.sas, now());
        case method::automatic:
            // The key can do whatever a SAS can, and does not expire.
            if (!a.key.empty()) return auth::shared_key(a.name, a.key);
            if (!a.sas.empty()) return auth::shared_access_signature(a.sas, now());
            return error(kind::configuration,
                         fmt::format("{}: no credential for account {}", a.source, a.name),
                         "add account_key or sas_token; the value may be env:NAME or file:PATH");
        default:
            return auth::bearer(opened.token);
    }
}

result<std::unique_ptr<opened_account>> resources::open(cluster::account settings, bool embedded) {
    auto out = std::make_unique<opened_account>();
    out->settings = std::move(settings);
    cluster::account& a = out->settings;
    for (const auto& warning : a.warnings) screen_.problem("warning: " + warning);
    out->embedded = embedded;
    if (embedded) ACT_TRY_VOID(start_store(a));
    ACT_TRY(uri endpoint, endpoint_of(a));
    auto in_file = [&](const error& e) {
        return e.message().find(a.source) == std::string::npos ? error(e).in(a.source) : e;
    };
    auto token = token_for(a);
    if (!token) return in_file(token.error());
    out->token = std::move(*token);
    auto authorizer = authorizer_for(*out);
    if (!authorizer) return in_file(authorizer.error());
    ACT_TRY(blob::encryption encryption,
            encryption_of(a, customer_key_, encryption_scope_, world_.environment));
    blob::account address{.name = a.name,
                          .endpoint = std::move(endpoint),
                          .settings = a.source,
                          .encryption = std::move(encryption)};
    http::pipeline_options how;
    out->gate = std::make_shared<gate>(a.name, control_, &lanes_, hedge_);
    how.admission = out->gate;
    out->client = std::make_unique<blob::client>(transport(), std::move(address), std::move(*authorizer),
                                                 std::move(how));
    return out;
}

result<opened_account*> resources::account_of(const cluster::config& c, const cluster::mapping& m) {
    std::lock_guard lock(making_);
    // Of two clusters one account file may mean the embedded store in one and nothing in the other.
    const std::string key = c.platform + '\n' + c.root + '\n' + m.account_file;
    auto found = accounts_.find(key);
    if (found == accounts_.end()) {
        ACT_TRY(auto settings, cluster::load_account(c, m.account_file, world_.environment));
        const bool embedded = is_embedded(c, settings);
        ACT_TRY(auto made, open(std::move(settings), embedded));
        found = accounts_.emplace(key, std::move(made)).first;
    }
    return found->second.get();
}

result<opened_account*> resources::account_at(const std::string& key, cluster::account settings) {
    std::lock_guard lock(making_);
    auto found = accounts_.find(key);
    if (found == accounts_.end()) {
        ACT_TRY(auto made, open(std::move(settings), false));
        found = accounts_.emplace(key, std::move(made)).first;
    }
    return found->second.get();
}

// ---- session

session::session(invocation& call, cluster::config c)
    : call_(call), cluster_(std::move(c)), stop_(call.world.stop.token()), shared_(call.shared) {
    if (shared_) return;
    own_ = std::make_unique<resources>(call.world, call.screen, call.given);
    shared_ = own_.get();
}

session::~session() = default;

ops::context session::context(observer& o) {
    const auto& lanes = shared_->lanes();
    // Of many commands at once most are small: lanes are added to those that have work for them.
    const unsigned start = own_ ? lanes.load() : std::min(lanes_of_one, lanes.load());
    return {runtime(), buffers(), progress(), o, stop_.token(), start, &lanes};
}

const http::counters* session::wire() const {
    if (own_) return own_->wire();
    return accounts_.empty() ? nullptr : &counters_;
}

result<opened_account*> session::mine(opened_account& common) {
    latest_ = &common;
    if (own_) return &common;
    auto& made = accounts_[&common];
    if (!made) {
        ACT_TRY(blob::encryption encryption,
                encryption_of(common.settings, call_.given.customer_key, call_.given.encryption_scope,
                              call_.world.environment));
        made = std::make_unique<opened_account>();
        made->settings = common.settings;
        made->gate = std::make_shared<counted>(common.gate, counters_);
        made->embedded = common.embedded;
        made->origin = &common;
        http::pipeline_options how;
        how.admission = made->gate;
        made->client = std::make_unique<blob::client>(*common.client, std::move(how), std::move(encryption));
    }
    return made.get();
}

result<opened_account*> session::account_of(const cluster::config& c, const cluster::mapping& m) {
    ACT_TRY(opened_account * found, shared_->account_of(c, m));
    return mine(*found);
}

result<opened_account*> session::account_at(const std::string& key, cluster::account settings) {
    ACT_TRY(opened_account * found, shared_->account_at(key, std::move(settings)));
    return mine(*found);
}

ops::copy_link& session::link(const opened_account& from, const opened_account& to) {
    return shared_->link(*from.origin, *to.origin);
}

result<place> session::find(const cluster::config& c, const std::string& path) {
    place out;
    ACT_TRY(out.location, cluster::locate(c, path, call_.world.working_directory));
    ACT_TRY(out.account, account_of(c, *out.location.map));
    return out;
}

std::string rates_name(const cluster::account& a, bool embedded) {
    // Its port is another each time.
    if (embedded) return "embedded-store";
    auto endpoint = endpoint_of(a);
    return endpoint ? endpoint->str() : a.name;
}

namespace {

// What a dry run can tell of the work itself.
void foretell(invocation& call, session& s, report& r) {
    auto prices = prices_of(s.cluster());
    if (!prices) call.screen.problem("warning: " + prices.error().describe());
    std::optional<bench_rates> rates;
    auto folder = runs::state_folder(call.world.environment);
    if (const auto* at = s.latest(); folder && at)
        rates = read_rates(*folder, rates_name(at->settings, at->embedded));
    r.foretell(prices ? *prices : std::optional<price_list>(), std::move(rates));
}

}  // namespace

int for_each_path(invocation& call, session& s, report& r,
                  const std::function<result<summary>(const std::string& path)>& each) {
    {
        progress_bar bar(call.world, call.screen, s.progress());
        r.show_in(&bar);
        // A single path's own name is not part of what is below it.
        const auto names = below_common_folder(call.words);
        for (std::size_t i = 0; i < call.words.size() && !r.stopped(); ++i) {
            // What is still to come is not counted before it is looked at.
            bar.expect_more(i + 1 < call.words.size());
            s.progress().scan_finished = false;
            r.enter(names.size() > 1 ? names[i] : std::string(), names[i]);
            r.add(call.words[i], each(call.words[i]));
        }
        r.show_in(nullptr);
    }
    if (call.given.dry_run) foretell(call, s, r);
    // Who has forgotten it would look for the fault elsewhere.
    if (const auto cap = s.common_cap(); !cap.none() && !call.given.dry_run)
        call.screen.detail("  held to " + cap_in_words(cap) + " with all other commands here, by `act cap`");
    return r.finish(s.wire());
}

}  // namespace act::cli
