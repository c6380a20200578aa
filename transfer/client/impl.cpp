#include "transfer/client/impl.hpp"

#include <random>

#include <fmt/format.h>

#include "engine/http/hedge.hpp"

namespace act::blob {
namespace {

/// Statuses of 500 that will not pass, so that they do not use up the tries, and of 401 that say nothing
/// about this account's credential.
bool final_answer(const http::response_head& head) {
    auto code = head.headers.get("x-ms-error-code");
    if (code == "FeatureNotSupported") return true;
    // Azurite says so when it fell over the request itself, as it will again.
    if (code.empty() && head.status == 500 && head.headers.get("Server").starts_with("Azurite-")) return true;
    if (code != "CannotVerifyCopySource") return false;
    // The source decides: what it answered is worth another try or not.
    auto source = head.headers.get("x-ms-copy-source-status-code");
    if (source.empty()) return head.status == 401;
    return source.starts_with('4') && source != "408" && source != "429";
}

http::pipeline_options with_classifier(http::pipeline_options o) {
    if (!o.final_answer) {
        o.final_answer = final_answer;
    } else {
        o.final_answer = [theirs = std::move(o.final_answer)](const http::response_head& head) {
            return theirs(head) || final_answer(head);
        };
    }
    return o;
}

std::string random_prefix() {
    std::random_device device;
    return fmt::format("{:08x}-{:08x}-", device(), device());
}

/// Reads an error's body, or as much as is of interest.
task<std::string> read_capped(http::exchange& from, until u) {
    std::string text(max_error_body, '\0');
    auto got = co_await from.read(std::as_writable_bytes(std::span(text.data(), text.size())), u);
    text.resize(got ? *got : 0);
    co_return text;
}

}  // namespace

client::impl::impl(http::client& transport, blob::account a, std::shared_ptr<http::authorizer> credential,
                   http::pipeline_options options, std::shared_ptr<checksum_choice> known)
    : account(std::move(a)),
      endpoint(http::endpoint::of(account.endpoint)),
      paths(http::endpoint::of(path_endpoint(account.endpoint))),
      base(account.endpoint.path),
      retry(options.retry),
      authorizer(credential),
      pipeline(transport, std::move(credential), with_classifier(std::move(options))),
      checksums(std::move(known)),
      id_prefix_(random_prefix()) {
    while (base.ends_with('/')) base.pop_back();
}

std::string client::impl::next_id() {
    return fmt::format("{}{:08x}", id_prefix_, id_.fetch_add(1, std::memory_order_relaxed));
}

operation client::impl::begin(http::verb method, std::string target, std::string_view query,
                              std::string what) {
    operation op;
    op.request.method = method;
    op.request.target = std::move(target);
    if (!query.empty()) op.request.target.append("?").append(query);
    op.what = std::move(what);
    op.request.headers.add("x-ms-version", service_version);
    op.request.headers.add("x-ms-client-request-id", next_id());
    return op;
}

operation client::impl::start_account(http::verb method, std::string_view query) {
    return begin(method, base + "/", query, "account " + account.name);
}

result<operation> client::impl::start_container(http::verb method, std::string_view container,
                                                std::string_view query) {
    ACT_TRY_VOID(check_container_name(container));
    return begin(method, base + encode_blob_path(container, {}), query,
                 fmt::format("container {}", container));
}

result<operation> client::impl::start(http::verb method, const address& at, std::string_view query) {
    ACT_TRY_VOID(check_container_name(at.container));
    ACT_TRY_VOID(check_blob_name(at.name));
    return begin(method, base + encode_blob_path(at.container, at.name), query,
                 fmt::format("blob {}/{}", at.container, at.name));
}

result<void> client::impl::check_privacy(const operation& op) const {
    if (endpoint.tls || endpoint.stays_here()) return {};
    return error(kind::configuration,
                 fmt::format("{}: a customer-provided key is never sent without TLS, as it would be to {}; "
                             "the service does not take it either",
                             op.what, endpoint.authority()),
                 "write the blob_endpoint with https://");
}

result<void> client::impl::open(operation& op) const {
    const auto& key = account.encryption.key;
    if (!key) return {};
    ACT_TRY_VOID(check_privacy(op));
    key->add_to(op.request.headers);
    op.key_if_used = true;
    return {};
}

result<void> client::impl::encrypt(operation& op) const {
    if (!account.encryption.scope.empty())
        op.request.headers.add("x-ms-encryption-scope", account.encryption.scope);
    ACT_TRY_VOID(open(op));
    op.key_if_used = false;
    op.encrypted = account.encryption.given();
    return {};
}

result<void> client::impl::open_source(operation& op, const copy_origin& from) const {
    if (!from.key) return {};
    ACT_TRY_VOID(check_privacy(op));
    from.key->add_as_source_to(op.request.headers);
    op.request.headers.set("x-ms-version", source_key_version);
    return {};
}

std::optional<error> client::impl::not_encrypted(const operation& op, const http::response_head& head) const {
    const blob::encryption& wanted = account.encryption;
    if (!op.encrypted) return std::nullopt;
    if (wanted.key && head.headers.get("x-ms-encryption-key-sha256") != wanted.key->sha256()) {
        return error(kind::unsupported,
                     op.what + ": the service did not encrypt it with the customer-provided key",
                     "what was sent may be stored there without it: remove it, and use an endpoint that has "
                     "customer-provided keys");
    }
    if (!wanted.scope.empty() && head.headers.get("x-ms-encryption-scope") != wanted.scope) {
        return error(
            kind::unsupported,
            fmt::format("{}: the service did not put it into the encryption scope {}", op.what, wanted.scope),
            "what was sent may be stored there outside of it: remove it, and use an endpoint that "
            "has encryption scopes");
    }
    return std::nullopt;
}

task<error> client::impl::failure(http::exchange answer, std::string what, until u) {
    auto text = co_await read_capped(answer, u);
    error e = fold(read_error(answer.head().status, answer.head().headers, text), what);
    const bool refused = e.kind() == kind::authentication || e.kind() == kind::permission;
    if (refused && !account.settings.empty()) {
        std::string advice = e.advice();
        if (!advice.empty()) advice += ' ';
        advice += fmt::format("The credential of account {} comes from {}.", account.name, account.settings);
        e = std::move(e).with_advice(std::move(advice));
    }
    co_return e;
}

task<result<http::exchange>> client::impl::run(const operation& op, const http::body& body, until u,
                                               unsigned* tries) {
    auto answer = co_await pipeline.send(op.path ? paths : endpoint, op.request, body, u, tries);
    if (!answer) {
        if (answer.error().kind() == kind::stopped) co_return answer.error();
        error named = answer.error();
        co_return std::move(named).in(op.what);
    }
    const auto& head = answer->head();
    checksums->hint(head.headers.get("Server"));
    if (head.status / 100 == 2) {
        if (auto bad = not_encrypted(op, head)) co_return std::move(*bad);
        co_return std::move(*answer);
    }
    error refused = co_await failure(std::move(*answer), op.what, u);
    if (!op.key_if_used || refused.code() != needs_no_encryption) co_return refused;
    operation plain = op;
    plain.key_if_used = false;
    customer_key::remove_from(plain.request.headers);
    co_return co_await run(plain, body, u, tries);
}

task<result<void>> client::impl::fetch_once(const operation& op, const http::body& body, std::size_t cap,
                                            fetched& into, until u) {
    unsigned tries = 1;
    auto sent = co_await run(op, body, u, &tries);
    into.tries += tries;
    ACT_CO_TRY(http::exchange answer, std::move(sent));
    into.begun = true;
    ACT_CO_TRY(into.text, co_await answer.read_all(cap, u));
    into.headers = answer.head().headers;
    co_return result<void>();
}

task<result<std::string>> client::impl::fetch(const operation& op, const http::body& body, std::size_t cap,
                                              http::fields* headers, until u, unsigned* tries) {
    backoff waits(retry, std::random_device()());
    for (;;) {
        fetched one, other;
        auto first = [&](until w) { return fetch_once(op, body, cap, one, std::move(w)); };
        auto again = [&](until w) { return fetch_once(op, body, cap, other, std::move(w)); };
        bool by_second = false;
        result<void> outcome;
        if (op.request.method == http::verb::get) {
            outcome = co_await http::hedged(pipeline, 0, first, again, u, &by_second);
        } else {
            outcome = co_await first(u);
        }
        if (tries) *tries += one.tries + other.tries;
        if (outcome) {
            auto& got = by_second ? other : one;
            if (headers) *headers = std::move(got.headers);
            co_return std::move(got.text);
        }
        error broken = outcome.error();
        if (!one.begun || !transient(broken)) co_return broken;
        auto delay = waits.next({});
        if (!delay) co_return std::move(broken).in(op.what);
        ACT_CO_TRY_VOID(co_await sleep_for(*delay, u));
    }
}

bool transient(const error& e) { return e.kind() == kind::unavailable || e.kind() == kind::timeout; }

bool condition_failed(const error& e) {
    return e.status() == 412 || (e.status() == 409 && e.code() == "BlobAlreadyExists");
}

bool conditional(const conditions& c) {
    return !c.if_match.empty() || !c.if_none_match.empty() || c.if_unmodified_since;
}

void add_origin(http::fields& f, const copy_origin& from) {
    f.add("x-ms-copy-source", from.url.reveal());
    if (!from.etag.empty()) f.add("x-ms-source-if-match", from.etag.text);
    if (!from.authorization.empty()) f.add("x-ms-copy-source-authorization", from.authorization.reveal());
}

write_result result_of(const properties& p) {
    return {.etag = p.etag, .modified = p.modified, .content_md5 = p.content.md5};
}

write_result written(const http::response_head& head) {
    write_result out;
    out.etag.text = head.headers.get("ETag");
    out.modified = parse_http_date(head.headers.get("Last-Modified")).value_or(wall_time());
    out.content_md5 = head.headers.get("Content-MD5");
    return out;
}

result<void> add_options(http::fields& f, const write_options& o) {
    ACT_TRY_VOID(check_metadata(o.metadata));
    ACT_TRY_VOID(check_tags(o.tags));
    add_content(f, o.content);
    add_metadata(f, o.metadata);
    if (!o.tags.empty()) f.add("x-ms-tags", tags_header(o.tags));
    if (!o.tier.empty()) f.add("x-ms-access-tier", o.tier);
    return {};
}

// ---- client

client::client(http::client& transport, blob::account a, std::shared_ptr<http::authorizer> credential,
               http::pipeline_options options)
    : impl_(std::make_unique<impl>(transport, std::move(a), std::move(credential), std::move(options),
                                   std::make_shared<checksum_choice>())) {}
client::client(const client& same, http::pipeline_options options)
    : impl_(std::make_unique<impl>(same.impl_->pipeline.transport(), same.impl_->account,
                                   same.impl_->authorizer, std::move(options), same.impl_->checksums)) {}
client::client(const client& same, http::pipeline_options options, blob::encryption other)
    : client(same, std::move(options)) {
    impl_->account.encryption = std::move(other);
}
client::~client() = default;

const blob::account& client::account() const { return impl_->account; }
http::pipeline& client::pipeline() { return impl_->pipeline; }
checksum client::body_checksums() const { return impl_->checksums->current(); }

std::string client::url(const address& at) const {
    uri u = impl_->account.endpoint;
    u.path = impl_->base + encode_blob_path(at.container, at.name);
    u.query.clear();
    return u.str();
}

}  // namespace act::blob
