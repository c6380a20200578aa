// Where copies come from: blobs of this store, and URLs elsewhere (blob-rest.md section 8).
#include <charconv>

#include <fmt/format.h>

#include "tools/store/access.hpp"
#include "tools/store/copy.hpp"
#include "tools/store/encryption.hpp"
#include "tools/store/past.hpp"
#include "tools/store/send.hpp"
#include "transfer/blob/errors.hpp"
#include "transfer/blob/headers.hpp"

namespace act::store {

namespace {

constexpr const char* source_authorization = "x-ms-copy-source-authorization";

bool same_host(std::string_view authority, const uri& u) {
    return !authority.empty() && http::same_name(authority, u.authority());
}

// Reads all of `from` into a piece.
template <class Read>
task<outcome<received>> take_all(service& s, std::uint64_t size, bool md5, Read& read) {
    receiver into(s, size, md5);
    if (auto opened = co_await into.open(); !opened) co_return from_error(opened.error());
    while (!into.done()) {
        const auto room = into.room();
        result<std::size_t> got = co_await read(room);
        if (!got) co_return unverified_source(500, {}, "The source broke off: " + got.error().message());
        if (*got < room.size()) co_return unverified_source(500, {}, "The source ended early.");
        if (auto written = into.filled(); !written) co_return from_error(written.error());
    }
    auto body = co_await into.finish();
    if (!body) co_return from_error(body.error());
    co_return std::move(*body);
}

}  // namespace

std::string_view without_query(std::string_view url) { return url.substr(0, url.find('?')); }

outcome<copy_source> read_copy_source(service& s, const call& c) {
    const std::string_view given = c.header("x-ms-copy-source");
    copy_source out;
    auto parsed = parse_uri(given);
    if (!parsed) return invalid_header("x-ms-copy-source", without_query(given));
    out.url = std::move(*parsed);
    out.text = std::string(without_query(given));
    if (const std::string_view credential = c.header(source_authorization); !credential.empty()) {
        // Not shown in the answer.
        if (!credential.starts_with("Bearer ")) return invalid_header(source_authorization, {});
        out.credential.add("Authorization", credential);
    }
    const auto mine = parse_uri(s.url);
    const bool here = same_host(c.header("Host"), out.url) || (mine && same_host(mine->authority(), out.url));
    if (!here) return out;
    call source;
    source.method = "GET";
    source.target = out.url.path + (out.url.query.empty() ? "" : "?" + out.url.query);
    source.headers = &out.credential;
    source.version = c.version;
    // Another account at the same address is somebody else's.
    if (parse_target(source, s.options.account, out.url.host)) out.own = std::move(source);
    return out;
}

outcome<own_source> open_own(service& s, const reader& r, copy_source& from, const call& request,
                             bool key_is_enough) {
    call& source = *from.own;
    source.headers = &from.credential;
    ACT_TRY_VOID(authorize_source(s, r, source, request, key_is_enough));
    ACT_TRY_VOID(settle_path(r, source));
    const auto container = load_container(r, source.container);
    std::optional<std::string_view> found;
    if (container) found = find_asked(r, container->id, source);
    if (!found) {
        const code& missing = container ? codes::blob_not_found : codes::container_not_found;
        return unverified_source(404, missing.name, missing.message);
    }
    own_source out;
    out.bytes = std::string(*found);
    if (!decode(out.bytes, out.record)) return failure();
    ACT_TRY_VOID(check_conditions(request, state::of(&out.record), purpose::source));
    if (out.record.tier == tier::archive && request.header("x-ms-access-tier").empty()) {
        return unverified_source(409, codes::blob_archived.name, codes::blob_archived.message);
    }
    ACT_TRY_VOID(check_source(request, out.record.encryption));
    if (out.record.copy.status == "pending") return failure(codes::pending_copy);
    return out;
}

task<outcome<remote_source>> open_remote(service& s, const copy_source& from, const call& c,
                                         std::string range, until u) {
    http::request ask;
    ask.target = from.url.path.empty() ? "/" : from.url.path;
    if (!from.url.query.empty()) ask.target += "?" + from.url.query;
    ask.headers = from.credential;
    ask.headers.add("x-ms-version", c.version);
    ask.headers.add("x-ms-date", to_http_date(now()));
    add_source_key(c, ask.headers);
    if (!range.empty()) ask.headers.add("x-ms-range", range);
    constexpr std::pair<const char*, const char*> passed_on[] = {
        {"x-ms-source-if-match", "If-Match"},
        {"x-ms-source-if-none-match", "If-None-Match"},
        {"x-ms-source-if-modified-since", "If-Modified-Since"},
        {"x-ms-source-if-unmodified-since", "If-Unmodified-Since"},
    };
    for (const auto& [ours, theirs] : passed_on) {
        if (c.has_header(ours)) ask.headers.add(theirs, c.header(ours));
    }
    const http::endpoint to = http::endpoint::of(from.url);
    auto answered = co_await s.http.send(to, ask, http::body::none(), u);
    if (!answered)
        co_return unverified_source(500, {}, "The source cannot be reached: " + answered.error().message());
    const http::response_head& head = answered->head();
    if (head.status == 304 || head.status == 412) co_return failure(codes::source_condition_not_met);
    if (head.status != 200 && head.status != 206) {
        const int status = head.status >= 400 ? head.status : 500;
        const std::string code(head.headers.get("x-ms-error-code"));
        co_return unverified_source(status, code,
                                    fmt::format("The source answered {} {}.", head.status, code));
    }
    if (!head.content_length) co_return unverified_source(500, {}, "The source does not tell its length.");
    remote_source out{std::move(*answered)};
    out.size = *out.exchange.head().content_length;
    co_return out;
}

task<outcome<received>> take(service& s, remote_source& from, std::atomic<std::uint64_t>* progress, until u) {
    auto read = [&](std::span<std::byte> room) -> task<result<std::size_t>> {
        auto got = co_await from.exchange.read(room, u);
        if (got && progress) progress->fetch_add(*got, std::memory_order_relaxed);
        co_return got;
    };
    co_return co_await take_all(s, from.size, false, read);
}

outcome<blob::range> source_range(const call& c, std::uint64_t size) {
    const std::string_view text = c.header("x-ms-source-range");
    if (text.empty()) return blob::range{0, size};
    const auto asked = blob::parse_range(text);
    if (!asked || asked->last < asked->first) return invalid_header("x-ms-source-range", text);
    if (asked->first >= size) return failure(codes::invalid_range);
    return blob::range{asked->first, std::min(asked->last, size - 1) - asked->first + 1};
}

namespace {

task<outcome<received>> fetch_own(service& s, call& c, copy_source& from, std::uint64_t limit, bool md5) {
    reply source;
    source.pin = s.files->hold();
    {
        auto r = s.index->read();
        if (!r) co_return from_error(r.error());
        ACT_CO_TRY(const own_source opened, open_own(s, *r, from, c, false));
        ACT_CO_TRY(const blob::range range, source_range(c, opened.record.size));
        if (range.length > limit) co_return failure(codes::body_too_large);
        source.length = range.length;
        source.content = segments(*r, opened.record.content, opened.record.size, range.offset, range.length);
        if (r->failed()) co_return failure();
        source.view = std::make_unique<reader>(std::move(*r));
    }
    content_reader reads(s, source);
    auto read = [&](std::span<std::byte> room) -> task<result<std::size_t>> { co_return reads.read(room); };
    co_return co_await take_all(s, source.length, md5, read);
}

task<outcome<received>> fetch_remote(service& s, call& c, const copy_source& from, std::uint64_t limit,
                                     bool md5) {
    auto source = co_await open_remote(s, from, c, std::string(c.header("x-ms-source-range")), s.ends());
    if (!source) co_return source.error();
    if (source->size > limit) co_return failure(codes::body_too_large);
    auto read = [&](std::span<std::byte> room) -> task<result<std::size_t>> {
        co_return co_await source->exchange.read(room, s.ends());
    };
    co_return co_await take_all(s, source->size, md5, read);
}

}  // namespace

task<outcome<received>> fetch(service& s, call& c, std::uint64_t limit) {
    ACT_CO_TRY(copy_source from, read_copy_source(s, c));
    ACT_CO_TRY(const declared sums, declared::of(c, "x-ms-source-content-crc64", "x-ms-source-content-md5"));
    const bool md5 = !sums.md5.empty() || c.has_header("Content-MD5");
    auto body =
        from.own ? co_await fetch_own(s, c, from, limit, md5) : co_await fetch_remote(s, c, from, limit, md5);
    if (!body) co_return body.error();
    ACT_CO_TRY_VOID(sums.check(*body));
    co_return std::move(*body);
}

}  // namespace act::store
