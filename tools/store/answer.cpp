#include "tools/store/answer.hpp"

#include <random>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "tools/store/access.hpp"
#include "tools/store/listing.hpp"
#include "tools/store/send.hpp"
#include "transfer/blob/xml.hpp"

namespace act::store {

namespace {

// What a request that names no version gets (a SAS names one in `sv`).
constexpr const char* default_version = "2021-12-02";

bool is_version(std::string_view v) {
    if (v.size() != 10 || v[4] != '-' || v[7] != '-') return false;
    for (std::size_t i = 0; i < v.size(); ++i) {
        if (i != 4 && i != 7 && (v[i] < '0' || v[i] > '9')) return false;
    }
    return true;
}

outcome<> understand(service& s, call& c, const http::server_exchange& x) {
    const auto& head = x.request();
    c.method = head.method;
    c.target = head.target;
    c.headers = &head.headers;
    c.content_length = head.content_length;
    c.peer = x.peer();
    c.tls = x.tls();
    c.now = now();
    c.request_id = new_uuid();
    c.files = s.files;
    c.version = default_version;
    ACT_TRY_VOID(parse_target(c, s.options.account, c.header("Host")));
    std::string_view version = c.header("x-ms-version");
    if (version.empty()) version = c.param("api-version");
    if (version.empty()) version = c.param("sv");
    if (version.empty()) return {};
    // Any version: what is known of newer ones is compatible.
    if (!is_version(version)) return invalid_header("x-ms-version", version);
    c.version = version;
    return {};
}

task<outcome<>> read_body(service& s, call& c, http::server_exchange& x, std::size_t limit) {
    if (!c.content_length && !x.request().chunked) co_return failure(codes::length_required);
    if (c.content_length.value_or(0) > limit) co_return failure(codes::body_too_large);
    if (c.content_length == 0) co_return outcome<>();
    auto body = co_await x.read_all(limit, s.ends());
    if (!body) {
        co_return failure(body.error().kind() == kind::protocol ? codes::body_too_large
                                                                : codes::incomplete_body);
    }
    c.body = std::move(*body);
    co_return outcome<>();
}

task<answer> run(service& s, call& c, http::server_exchange& x) {
    ACT_CO_TRY_VOID(understand(s, c, x));
    ACT_CO_TRY(const operation* what, find_operation(c));
    c.what = what;
    if (s.network) ACT_CO_TRY_VOID(s.network->pass(c));
    {
        auto r = s.index->read();
        if (!r) co_return from_error(r.error());
        ACT_CO_TRY_VOID(authorize(s, *r, *what, c));
        ACT_CO_TRY_VOID(settle_path(*r, c));
        if (const auto* read = std::get_if<read_operation>(&what->run); read && what->body == 0) {
            answer out = (*read)(s, *r, c);
            if (r->failed()) co_return failure();
            co_return out;
        }
        if (r->failed()) co_return failure();
    }
    if (what->body > 0) {
        auto got = co_await read_body(s, c, x, what->body);
        if (!got) co_return got.error();
    }
    if (const auto* long_one = std::get_if<long_operation>(&what->run))
        co_return co_await (*long_one)(s, c, x);
    if (const auto* write = std::get_if<write_operation>(&what->run)) {
        const write_operation change = *write;
        auto apply = [&s, &c, change](writer& w) { return change(s, w, c); };
        co_return co_await change_index(s, apply);
    }
    auto r = s.index->read();
    if (!r) co_return from_error(r.error());
    answer out = std::get<read_operation>(what->run)(s, *r, c);
    if (r->failed()) co_return failure();
    co_return out;
}

}  // namespace

std::string new_uuid() {
    thread_local std::mt19937_64 random{std::random_device{}()};
    constexpr char digits[] = "0123456789abcdef";
    std::string s(36, '-');
    std::uint64_t bits = 0;
    unsigned left = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (i == 8 || i == 13 || i == 18 || i == 23) continue;
        if (left == 0) {
            bits = random();
            left = 16;
        }
        s[i] = digits[bits & 15];
        bits >>= 4;
        --left;
    }
    s[14] = '4';
    s[19] = digits[8 + (random() & 3)];
    return s;
}

namespace {

std::string in_json(std::string_view text) {
    std::string out;
    for (const char ch : text) {
        if (ch == '"' || ch == '\\') out += '\\';
        out += static_cast<unsigned char>(ch) < 0x20 ? ' ' : ch;
    }
    return out;
}

// As the DFS endpoint tells it.
std::string failure_document(const call& c, const failure& f) {
    return fmt::format(R"({{"error":{{"code":"{}","message":"{}\nRequestId:{}\nTime:{}"}}}})", f.name(),
                       in_json(f.message()), c.request_id, snapshot_time(c.at()));
}

}  // namespace

reply failure_reply(const call& c, const failure& f) {
    reply r = reply::of(f.status());
    r.headers.add("x-ms-error-code", f.name());
    for (const auto& [name, value] : f.headers()) r.headers.add(name, value);
    if (f.status() == 304) return r;
    if (c.what && *c.what->path != '\0') {
        r.headers.add("Content-Type", "application/json;charset=utf-8");
        r.text = failure_document(c, f);
        return r;
    }
    r.headers.add("Content-Type", "application/xml");
    // Line ends as they are, like the service: the JavaScript SDK does not decode references.
    r.text =
        fmt::format("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>", f.name());
    blob::xml::escape(r.text, f.message());
    r.text += fmt::format("\nRequestId:{}\nTime:{}</Message>", c.request_id, snapshot_time(c.at()));
    for (const auto& [name, value] : f.elements()) element(r.text, name, value);
    r.text += "</Error>";
    return r;
}

void add_common_headers(http::fields& f, const call& c) {
    f.add("x-ms-request-id", c.request_id);
    f.add("x-ms-version", c.version);
    if (const std::string_view id = c.header("x-ms-client-request-id"); !id.empty() && id.size() <= 1024) {
        f.add("x-ms-client-request-id", id);
    }
}

namespace {

// What befalls an answer that is there. True: there is none any more.
task<bool> suffer(service& s, const call& c, http::server_exchange& x, answer& out) {
    switch (c.luck.form) {
        case misfortune::reset:
            if (s.meter) s.meter->count(c.what, meter::reset);
            x.abort();
            co_return true;
        case misfortune::error:
            out = failure(c.luck.code);
            break;
        case misfortune::stall:
            (void)co_await sleep_for(s.network->stall_time(), {s.stalls.token()});
            break;
        case misfortune::none:
        case misfortune::truncate:
            break;
    }
    co_return false;
}

}  // namespace

task<void> serve(service& s, http::server_exchange& x) {
    call c;
    answer out = co_await run(s, c, x);
    s.stats.requests.fetch_add(1, std::memory_order_relaxed);
    if (c.luck.form != misfortune::none && co_await suffer(s, c, x, out)) co_return;
    if (!out) {
        s.stats.failures.fetch_add(1, std::memory_order_relaxed);
        log::debug("store: {} {}: {} {}", c.method, c.target.substr(0, c.target.find('?')),
                   out.error().status(), out.error().name());
        out = failure_reply(c, out.error());
    }
    add_common_headers(out->headers, c);
    const bool head_only = c.method == "HEAD" || out->status == 304;
    if (s.meter) s.meter->count(c.what, out->status);
    if (c.luck.form == misfortune::truncate && !head_only) {
        (void)co_await send_half(s, x, *out);
        co_return;
    }
    auto sent = co_await send(s, x, *out, head_only);
    if (sent || x.responded()) co_return;
    // The content could not be opened; a client that went away does not hear this either.
    log::warning("store: {}", sent.error().describe());
    reply sorry = failure_reply(c, failure());
    add_common_headers(sorry.headers, c);
    (void)co_await send(s, x, sorry, head_only);
}

}  // namespace act::store
