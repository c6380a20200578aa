#include <algorithm>

#include <fmt/format.h>

#include "engine/core/uri.hpp"
#include "engine/file/file.hpp"
#include "engine/http/address.hpp"
#include "transfer/auth/token_answer.hpp"

namespace act::auth {
namespace {

using namespace std::chrono_literals;

constexpr auto longest = 60s;
// The metadata service answers at once or is not there.
constexpr auto longest_look = 10s;
constexpr std::size_t largest_answer = 256 * 1024;
constexpr std::size_t largest_assertion = 64 * 1024;

std::string value(const environment& e, const char* name) {
    const auto found = e.find(name);
    return found == e.end() ? std::string() : found->second;
}

result<std::string> required(const environment& e, const char* name, const char* who) {
    std::string v = value(e, name);
    if (!v.empty()) return v;
    return error(kind::configuration, fmt::format("{} needs the variable {}, which is not set", who, name),
                 fmt::format("set it: export {}=...", name));
}

/// Where a token is asked for, and the request.
struct question {
    http::endpoint to;
    http::request request;
    secret body;
};

/// One question and its answer; `who` names the source in messages.
task<result<access_token>> ask(http::client& transport, question q, std::string who, until u) {
    http::pipeline_options how;
    how.retry.max_tries = 4;
    how.try_timeout = 15s;
    http::pipeline line(transport, nullptr, how);
    auto answer = co_await line.send(q.to, q.request, http::body::text(q.body.reveal()), u);
    if (!answer) {
        if (answer.error().kind() == kind::stopped) co_return answer.error();
        error unreachable = answer.error();
        co_return std::move(unreachable).in(who);
    }
    const int status = answer->head().status;
    auto text = co_await answer->read_all(largest_answer, u);
    if (!text) {
        error broken = text.error();
        co_return std::move(broken).in(who);
    }
    if (status != 200) {
        const std::string why = read_refusal(*text);
        const bool service = status >= 500 || status == 429;
        co_return error(
            service ? kind::unavailable : kind::authentication,
            fmt::format("{} gave no token: status {}{}{}", who, status, why.empty() ? "" : ", ", why),
            service ? "try again later" : "check its settings, and that it may use the account");
    }
    auto token = read_token(*text, now());
    if (token) co_return token;
    error bad = token.error();
    co_return std::move(bad).in(who);
}

// ---- Microsoft Entra: a secret or another identity's token for one of ours

class entra_source final : public token_source {
public:
    entra_source(http::client& c, uri at, std::string who, std::string form, std::string assertion_file)
        : transport_(c),
          at_(std::move(at)),
          who_(std::move(who)),
          form_(std::move(form)),
          assertion_file_(std::move(assertion_file)) {}

    task<result<access_token>> obtain(until u) override {
        question q;
        q.to = http::endpoint::of(at_);
        q.request.method = http::verb::post;
        q.request.target = at_.path;
        q.request.headers.add("Content-Type", "application/x-www-form-urlencoded");
        q.request.headers.add("Accept", "application/json");
        std::string form = form_.reveal();
        if (!assertion_file_.empty()) {
            // It is replaced from time to time.
            auto text = file::read_all(assertion_file_, largest_assertion);
            if (!text) {
                error missing = text.error();
                co_return std::move(missing).in(who_ + ": AZURE_FEDERATED_TOKEN_FILE");
            }
            while (!text->empty() && static_cast<unsigned char>(text->back()) <= ' ') text->pop_back();
            form += "&client_assertion=" + encode_component(*text);
        }
        q.body = secret(std::move(form));
        co_return co_await ask(transport_, std::move(q), who_, u.within(longest));
    }

private:
    http::client& transport_;
    const uri at_;
    const std::string who_;
    const secret form_;
    const std::string assertion_file_;
};

/// The tenant's token endpoint. What is sent there is a secret.
result<uri> authority(const environment& e, const char* who) {
    ACT_TRY(const std::string tenant, required(e, "AZURE_TENANT_ID", who));
    std::string host = value(e, "AZURE_AUTHORITY_HOST");
    if (host.empty()) host = "https://login.microsoftonline.com";
    auto at = parse_uri(host);
    if (!at) return error(kind::configuration, at.error().message()).in("AZURE_AUTHORITY_HOST");
    if (!at->tls && !http::endpoint::of(*at).stays_here()) {
        return error(kind::configuration, "AZURE_AUTHORITY_HOST has no TLS, and would be told a secret",
                     "write it with https://");
    }
    while (at->path.ends_with('/')) at->path.pop_back();
    at->path += "/" + encode_component(tenant) + "/oauth2/v2.0/token";
    return std::move(*at);
}

std::string form_for(const std::string& client) {
    return "grant_type=client_credentials&scope=" + encode_component(storage_scope) +
           "&client_id=" + encode_component(client);
}

// ---- the identity of a machine

class machine_source final : public token_source {
public:
    machine_source(http::client& c, uri at, std::string header, secret header_value)
        : transport_(c),
          at_(std::move(at)),
          header_(std::move(header)),
          header_value_(std::move(header_value)) {}

    task<result<access_token>> obtain(until u) override {
        question q;
        q.to = http::endpoint::of(at_);
        q.request.target = at_.path + "?" + at_.query;
        q.request.headers.add(header_, header_value_.reveal());
        auto got = co_await ask(transport_, std::move(q), "the managed identity at " + at_.authority(),
                                u.within(longest_look));
        if (!got && got.error().kind() != kind::stopped) {
            error none = got.error();
            co_return std::move(none).with_advice(
                "is this a machine with a managed identity? If it has several, AZURE_CLIENT_ID chooses one");
        }
        co_return got;
    }

private:
    http::client& transport_;
    const uri at_;
    const std::string header_;
    const secret header_value_;
};

}  // namespace

result<std::shared_ptr<token_source>> service_principal(http::client& transport, const environment& e) {
    constexpr const char* who = "the service principal";
    ACT_TRY(uri at, authority(e, who));
    ACT_TRY(const std::string client, required(e, "AZURE_CLIENT_ID", who));
    ACT_TRY(const std::string password, required(e, "AZURE_CLIENT_SECRET", who));
    return std::make_shared<entra_source>(
        transport, std::move(at), who, form_for(client) + "&client_secret=" + encode_component(password), "");
}

result<std::shared_ptr<token_source>> workload_identity(http::client& transport, const environment& e) {
    constexpr const char* who = "the workload identity";
    ACT_TRY(uri at, authority(e, who));
    ACT_TRY(const std::string client, required(e, "AZURE_CLIENT_ID", who));
    ACT_TRY(std::string file, required(e, "AZURE_FEDERATED_TOKEN_FILE", who));
    return std::make_shared<entra_source>(
        transport, std::move(at), who,
        form_for(client) + "&client_assertion_type=" +
            encode_component("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        std::move(file));
}

result<std::shared_ptr<token_source>> managed_identity(http::client& transport, const environment& e) {
    std::string url, header, header_value, version, client_key = "client_id";
    const char* variable = "IDENTITY_ENDPOINT";
    std::string client = value(e, "AZURE_CLIENT_ID");
    if (!value(e, "IDENTITY_ENDPOINT").empty() && !value(e, "IDENTITY_HEADER").empty()) {
        url = value(e, "IDENTITY_ENDPOINT"), version = "2019-08-01";
        header = "X-IDENTITY-HEADER", header_value = value(e, "IDENTITY_HEADER");
    } else if (!value(e, "MSI_ENDPOINT").empty()) {
        variable = "MSI_ENDPOINT";
        url = value(e, "MSI_ENDPOINT"), version = "2017-09-01", client_key = "clientid";
        header = "secret", header_value = value(e, "MSI_SECRET");
        if (client.empty()) client = value(e, "DEFAULT_IDENTITY_CLIENT_ID");
    } else {
        variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
        url = value(e, variable);
        if (url.empty()) url = "http://169.254.169.254";
        while (url.ends_with('/')) url.pop_back();
        url += "/metadata/identity/oauth2/token";
        version = "2018-02-01", header = "Metadata", header_value = "true";
    }
    auto at = parse_uri(url);
    if (!at) return error(kind::configuration, at.error().message()).in(variable);
    if (at->path.empty()) at->path = "/";
    if (!at->query.empty()) at->query += '&';
    at->query += "api-version=" + version + "&resource=" + encode_component(storage_resource);
    if (!client.empty()) at->query += "&" + client_key + "=" + encode_component(client);
    return std::make_shared<machine_source>(transport, std::move(*at), std::move(header),
                                            secret(std::move(header_value)));
}

}  // namespace act::auth
