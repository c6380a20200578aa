#include "transfer/auth/token.hpp"

namespace act::auth {
namespace {

class bearer_authorizer final : public http::authorizer {
public:
    explicit bearer_authorizer(std::shared_ptr<live_token> token) : token_(std::move(token)) {}

    task<result<void>> authorize(http::request& r, const http::endpoint& to, std::uint64_t,
                                 until u) override {
        if (!keeps_tokens_secret(to)) {
            co_return error(kind::configuration,
                            "a token is never sent without TLS, as it would be to " + to.authority(),
                            "write the blob_endpoint with https://");
        }
        ACT_CO_TRY(const secret token, co_await token_->current(std::move(u)));
        if (!r.headers.has("x-ms-date")) r.headers.add("x-ms-date", to_http_date(now()));
        r.headers.set("Authorization", as_bearer(token).reveal());
        co_return result<void>();
    }

    task<bool> refresh(until u) override { return token_->refresh(std::move(u)); }

private:
    const std::shared_ptr<live_token> token_;
};

}  // namespace

bool keeps_tokens_secret(const http::endpoint& to) { return to.tls || to.stays_here(); }

secret as_bearer(const secret& token) { return secret("Bearer " + token.reveal()); }

std::shared_ptr<http::authorizer> bearer(std::shared_ptr<live_token> token) {
    return std::make_shared<bearer_authorizer>(std::move(token));
}

}  // namespace act::auth
