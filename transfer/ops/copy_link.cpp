#include "transfer/ops/copy_link.hpp"

#include "engine/core/log.hpp"
#include "transfer/auth/sas.hpp"

namespace act::ops {

namespace {

using namespace std::chrono_literals;

// An hour outlives every request that is begun in its first half.
constexpr auto lifetime = 1h;
constexpr auto renewed_after = 30min;
// blob-rest.md section 17.
constexpr std::size_t longest_source = 2048;

bool source_answered(const error& e) { return e.code() == "CannotVerifyCopySource"; }

}  // namespace

copy_link::copy_link(blob::client& from, secret key, secret sas)
    : from_(from), key_(std::move(key)), sas_(std::move(sas)) {
    if (key_.empty() && sas_.empty()) {
        for (auto& r : refused_) r = true;
    }
}

bool copy_link::may(form f) const { return !refused_[static_cast<std::size_t>(f)].load(); }

result<blob::copy_origin> copy_link::origin(const blob::address& what, const blob::properties& version,
                                            wall_time at) {
    std::string url = from_.url(what) + '?';
    if (key_.empty()) {
        auto given = auth::parse_sas(sas_.reveal());
        if (!given)
            return error(kind::configuration, "the SAS of account " + from_.account().name + " has no 'sig'");
        url += given->query().reveal();
    } else {
        std::lock_guard lock(mutex_);
        minted& m = minted_[what.container];
        if (at >= m.renew) {
            auth::sas_request wanted;
            wanted.container = what.container;
            wanted.expiry = at + lifetime;
            wanted.https_only = from_.account().endpoint.tls;
            ACT_TRY(const auth::sas fresh, auth::mint_service_sas(from_.account().name, key_, wanted));
            m = {fresh.query(), at + renewed_after};
        }
        url += m.query.reveal();
    }
    if (url.size() > longest_source) {
        return error(kind::unsupported,
                     "the address of blob '" + what.name + "' is too long for a copy header");
    }
    return blob::copy_origin{secret(std::move(url)), version.etag, version.size};
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

}  // namespace act::ops
