#include "tools/store/store.hpp"

#include "engine/codec/base64.hpp"
#include "tools/store/admin.hpp"
#include "tools/store/answer.hpp"
#include "tools/store/maintenance.hpp"
#include "tools/store/past.hpp"

namespace act::store {

account_key::account_key(std::string_view raw, unsigned loops) {
    for (unsigned i = 0; i < loops; ++i) macs_.emplace_back(raw);
}

std::string account_key::sign(std::string_view message) {
    return codec::base64_encode(macs_.at(loop::current().index()).sign(message));
}

http::client_options service::client_options() {
    http::client_options o;
    o.user_agent = "act-store";
    return o;
}

struct store::impl {
    impl(runtime& r, options o) : run(r), wanted(std::move(o)) {}
    runtime& run;
    options wanted;
    std::unique_ptr<service> parts;
    std::unique_ptr<http::server> server;
    std::unique_ptr<act::store::admin> admin;
    std::string url;
    statistics stats;
};

store::store(runtime& r, options o) : impl_(std::make_unique<impl>(r, std::move(o))) {}
store::~store() = default;

result<void> store::start() {
    const options& o = impl_->wanted;
    if (o.root.empty()) return error(kind::configuration, "the store has no folder", "name one");
    if (o.account.empty()) return error(kind::configuration, "the store has no account name", "name one");
    const auto key = codec::base64_decode(o.key.reveal());
    if (!key || key->empty()) {
        return error(kind::configuration, "the store's account key is not base64",
                     "make one with: head -c 64 /dev/urandom | base64 -w0");
    }
    if (o.hierarchical && o.versioning.value_or(false)) {
        return error(kind::configuration,
                     "an account with a hierarchical namespace keeps no versions (as in Azure)",
                     "leave out --versioning or --hierarchical");
    }
    auto parts = std::make_unique<service>(impl_->run, o, *key, impl_->stats);
    ACT_TRY(parts->folder,
            volume::open(o.root, o.hierarchical ? name_space::hierarchical : name_space::flat));
    service& s = *parts;
    s.index = &s.folder->index();
    s.files = &s.folder->files();

    if (o.soft_delete_days || o.versioning) {
        ACT_TRY_VOID(s.index->write_now([&o](writer& w) {
            protection kept = protection_of(w);
            kept.days = o.soft_delete_days.value_or(kept.days);
            kept.versioning = o.versioning.value_or(kept.versioning);
            set_protection(w, kept);
        }));
    }
    if (o.network.any() || !o.admin.empty()) s.network = std::make_unique<network>(o.network);
    if (!o.admin.empty()) s.meter = std::make_unique<meter>();

    http::server_options so;
    if (s.network && s.network->shapes()) so.link = [&s] { return s.network->link(); };
    so.listen = o.listen;
    so.tls_certificate = o.tls_certificate;
    so.tls_key = o.tls_key;
    so.server_name = "act-store";
    auto server = std::make_unique<http::server>(
        impl_->run, so, [&s](http::server_exchange& x) -> task<void> { return serve(s, x); });
    ACT_TRY_VOID(server->start());
    if (!o.admin.empty()) {
        auto made = std::make_unique<act::store::admin>(impl_->run, o.admin, s, *server);
        if (auto started = made->start(); !started) {
            impl_->run.run(server->stop({}));
            return started.error();
        }
        impl_->admin = std::move(made);
    }
    impl_->url = server->url() + "/" + o.account;
    s.url = impl_->url;
    impl_->parts = std::move(parts);
    impl_->server = std::move(server);
    s.background.spawn(impl_->run.at(0), maintain(s));
    return {};
}

std::string store::endpoint() const { return impl_->url; }
std::string store::admin() const { return impl_->admin ? impl_->admin->url() : ""; }
std::uint16_t store::port() const { return impl_->server ? impl_->server->port() : 0; }
const statistics& store::stats() const {
    if (impl_->parts) {
        // Those of the folder: other stores of this process on it count in.
        const auto& counted = impl_->parts->index->stats();
        impl_->stats.commits.store(counted.commits.load(std::memory_order_relaxed),
                                   std::memory_order_relaxed);
        impl_->stats.writes.store(counted.writes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    return impl_->stats;
}

secret store::connection_string() const {
    const options& o = impl_->wanted;
    return secret(
        "DefaultEndpointsProtocol=" + std::string(impl_->url.starts_with("https") ? "https" : "http") +
        ";AccountName=" + o.account + ";AccountKey=" + o.key.reveal() + ";BlobEndpoint=" + impl_->url + ";");
}

task<void> store::stop(steady::duration grace) {
    if (!impl_->parts) co_return;
    if (impl_->admin) co_await impl_->admin->stop();
    service& s = *impl_->parts;
    s.stalls.request();
    co_await impl_->server->stop(grace);
    s.stop.request();
    co_await s.background.join();
    co_await s.http.close();
    // Closing the folder is disk work.
    auto finish = [this] { impl_->parts.reset(); };
    co_await impl_->run.blocking(finish);
    impl_->admin.reset();
    impl_->server.reset();
}

}  // namespace act::store
