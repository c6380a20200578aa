#include "transfer/session/session.hpp"

#include <algorithm>

#include "transfer/auth/credential.hpp"
#include "transfer/blob/blob_url.hpp"

namespace act {

namespace {

http::client_options connections(const session_options& o, unsigned loops) {
    http::client_options out;
    out.user_agent = o.user_agent;
    out.proxies = http::proxy_rules(o.environment);
    out.max_connections_per_loop =
        std::max(out.max_connections_per_loop, o.requests.most / std::max(1u, loops) + 1);
    return out;
}

}  // namespace

session::session(session_options o)
    : options_(std::move(o)),
      runtime_({.loops = options_.threads}),
      buffers_(options_.memory),
      transport_(runtime_, connections(options_, runtime_.size())),
      lanes_(options_.requests.start) {}

session::~session() {
    clients_.clear();
    runtime_.run(transport_.close());
}

result<ops::remote> session::open(std::string_view url, const secret& account_key) {
    ACT_TRY(const uri parsed, parse_uri(url));
    if (!account_key.empty()) {
        ACT_TRY(const auto where, blob::split_url(parsed));
        ACT_TRY(auto key, auth::shared_key(where.account, account_key));
        return open(url, std::move(key));
    }
    if (parsed.query.empty()) return open(url, auth::anonymous());
    ACT_TRY(auto sas, auth::shared_access_signature(secret(parsed.query), now()));
    return open(url, std::move(sas));
}

result<ops::remote> session::open(std::string_view url, std::shared_ptr<http::authorizer> credential) {
    ACT_TRY(const uri parsed, parse_uri(url));
    ACT_TRY(auto where, blob::split_url(parsed));
    http::pipeline_options how;
    how.admission = std::make_shared<gate>(where.account, options_.requests, &lanes_);
    blob::account address{.name = std::move(where.account), .endpoint = std::move(where.endpoint)};
    auto client =
        std::make_unique<blob::client>(transport_, std::move(address), std::move(credential), std::move(how));
    std::lock_guard lock(opening_);
    clients_.push_back(std::move(client));
    return ops::remote{*clients_.back(), std::move(where.container), std::move(where.path)};
}

ops::context session::context(observer& o) {
    return {runtime_, buffers_, progress_, o, stop_.token(), lanes_.load(), &lanes_};
}

}  // namespace act
