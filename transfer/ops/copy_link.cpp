#include "transfer/ops/copy_link.hpp"

#include "engine/core/log.hpp"
#include "engine/http/address.hpp"
#include "transfer/auth/sas.hpp"
#include "transfer/auth/token.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

// An hour outlives every request that is begun in its first half.
constexpr auto lifetime = 1h;
constexpr auto renewed_after = 30min;
// blob-rest.md section 17.
constexpr std::size_t longest_source = 2048;

/// Of one cloud: "a.blob.core.windows.net" and "b.blob.core.windows.net". To another service, whose ever it
/// is, a token would open all that it opens.
bool one_service(const http::endpoint& a, const http::endpoint& b) {
    if (a.host == b.host) return true;
    const auto domain = [](const std::string& host) {
        http::address numeric;
        const auto dot = http::parse_address(host, 443, numeric) ? host.npos : host.find('.');
        return dot == host.npos ? std::string_view() : std::string_view(host).substr(dot + 1);
    };
    return domain(a.host).find('.') != std::string_view::npos && domain(a.host) == domain(b.host);
}

/// A plain source on this machine is another one to a service elsewhere.
bool stays_secret(const http::endpoint& source, const http::endpoint& destination) {
    return auth::keeps_tokens_secret(destination) &&
           (source.tls || (source.stays_here() && destination.stays_here()));
}

bool source_answered(const error& e) { return e.code() == "CannotVerifyCopySource"; }

}  // namespace

copy_link::copy_link(blob::client& from, secret key, secret sas)
    : from_(from), key_(std::move(key)), sas_(std::move(sas)) {
    if (key_.empty() && sas_.empty()) {
        for (auto& r : refused_) r = true;
    }
}

copy_link::copy_link(blob::client& from, std::shared_ptr<auth::live_token> token, const blob::client& to)
    : from_(from), token_(std::move(token)) {
    const auto source = http::endpoint::of(from.account().endpoint);
    const auto destination = http::endpoint::of(to.account().endpoint);
    const bool shown =
        stays_secret(source, destination) && (destination.stays_here() || one_service(source, destination));
    for (auto& r : refused_) r = !shown;
    // Copy Blob takes none.
    refused_[static_cast<std::size_t>(form::whole_blob)] = true;
}

bool copy_link::may(form f) const { return !refused_[static_cast<std::size_t>(f)].load(); }

result<secret> copy_link::signature(const std::string& container, wall_time at) {
    if (key_.empty()) {
        auto given = auth::parse_sas(sas_.reveal());
        if (given) return given->query();
        return error(kind::configuration, "the SAS of account " + from_.account().name + " has no 'sig'");
    }
    std::lock_guard lock(mutex_);
    minted& m = minted_[container];
    if (at >= m.renew) {
        auth::sas_request wanted;
        wanted.container = container;
        wanted.expiry = at + lifetime;
        wanted.https_only = from_.account().endpoint.tls;
        ACT_TRY(const auth::sas fresh, auth::mint_service_sas(from_.account().name, key_, wanted));
        m = {fresh.query(), at + renewed_after};
    }
    return m.query;
}

task<result<blob::copy_origin>> copy_link::origin(const blob::address& what, const blob::properties& version,
                                                  until u, wall_time at) {
    blob::copy_origin out{secret(), version.etag, version.size};
    std::string url = from_.url(what);
    if (token_) {
        ACT_CO_TRY(const secret token, co_await token_->current(std::move(u)));
        out.authorization = auth::as_bearer(token);
    } else {
        ACT_CO_TRY(const secret query, signature(what.container, at));
        url += '?' + query.reveal();
    }
    if (url.size() > longest_source) {
        co_return error(kind::unsupported,
                        "the address of blob '" + what.name + "' is too long for a copy header");
    }
    out.url = secret(std::move(url));
    co_return out;
}

task<bool> copy_link::renew(const error& why, until u) {
    const bool refused = why.kind() == kind::authentication || why.status() == 401;
    if (!token_ || !refused || !source_answered(why)) co_return false;
    co_return co_await token_->refresh(std::move(u));
}

copy_link::verdict copy_link::judge(const error& e) {
    switch (e.kind()) {
        case kind::unsupported:
            // Not asked at all: the address was too long. And a header that is refused may be one of this
            // blob's.
            if (e.status() == 0) return verdict::relay;
            return e.code() == "InvalidHeaderValue" ? verdict::suspect : verdict::refused;
        case kind::authentication:
        case kind::permission:
            return source_answered(e) ? verdict::refused : verdict::failed;
        case kind::throttled:
            return source_answered(e) ? verdict::relay : verdict::failed;
        case kind::precondition:
            return verdict::failed;
        default:
            // Not found, perhaps because a private network shows another host under that name; unreachable;
            // or a rule of the account against copies, by whatever code.
            return source_answered(e) || e.code().starts_with("Copy") ? verdict::suspect : verdict::failed;
    }
}

void copy_link::remember(form f, const error& why) {
    const bool lacks_form = why.kind() == kind::unsupported && !source_answered(why);
    for (std::size_t i = 0; i < std::size(refused_); ++i) {
        if (lacks_form && i != static_cast<std::size_t>(f)) continue;
        if (!refused_[i].exchange(true)) log::info("copies go through this machine: {}", why.describe());
    }
}

bool copy_link::may_show_key(const blob::client& to) const {
    return !key_refused_ && stays_secret(http::endpoint::of(from_.account().endpoint),
                                         http::endpoint::of(to.account().endpoint));
}

void copy_link::remember_key_refused(const error& why) {
    if (!key_refused_.exchange(true))
        log::info("copies of blobs under a customer-provided key go through this machine: {}",
                  why.describe());
}

}  // namespace act::ops
