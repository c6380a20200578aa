// Copy Blob, Copy Blob From URL, Put Blob From URL, Abort Copy Blob (blob-rest.md sections 6.8, 8).
#include "tools/store/copy.hpp"

#include <fmt/format.h>

#include "tools/store/encryption.hpp"
#include "tools/store/send.hpp"

namespace act::store {

namespace {

enum class form {
    asynchronous,  ///< Copy Blob: 202; large sources elsewhere are taken in the background
    synchronous,   ///< Copy Blob From URL: 202
    put,           ///< Put Blob From URL: 201
};

// From this size on, a source elsewhere keeps no client waiting.
constexpr std::uint64_t background_from = 8 * MiB;

// What a source elsewhere tells of itself; views into its head.
struct remote_description {
    blob_record record;
    std::string metadata;
};

remote_description describe(const remote_source& from) {
    remote_description out;
    const http::fields& head = from.exchange.head().headers;
    blob_record& r = out.record;
    const std::string_view type = head.get("x-ms-blob-type");
    r.type = type == "AppendBlob"                         ? blob::blob_type::append
             : type == "PageBlob" && from.size % 512 == 0 ? blob::blob_type::page
                                                          : blob::blob_type::block;
    r.size = from.size;
    r.headers.type = head.get("Content-Type");
    r.headers.encoding = head.get("Content-Encoding");
    r.headers.language = head.get("Content-Language");
    r.headers.disposition = head.get("Content-Disposition");
    r.headers.cache_control = head.get("Cache-Control");
    r.headers.md5 = head.get("Content-MD5");
    constexpr std::string_view prefix = "x-ms-meta-";
    for (std::size_t i = 0; i < head.size(); ++i) {
        const auto [name, value] = head.at(i);
        if (name.size() > prefix.size() && http::same_name(name.substr(0, prefix.size()), prefix)) {
            packed::add(out.metadata, name.substr(prefix.size()), value);
        }
    }
    r.metadata = out.metadata;
    return out;
}

// The destination's record: the source's description, where the request does not say otherwise.
blob_record copied(const call& c, const place& at, const blob_record& source, const description& about,
                   form f) {
    blob_record r = successor(c, at, f == form::put ? blob::blob_type::block : source.type);
    r.size = source.size;
    r.headers = source.headers;
    r.metadata = about.metadata.empty() ? source.metadata : std::string_view(about.metadata);
    r.tags = http::same_name(c.header("x-ms-copy-source-tag-option"), "COPY") ? source.tags
                                                                              : std::string_view(about.tags);
    r.tier = about.tier != tier::none ? about.tier : source.tier == tier::archive ? tier::none : source.tier;
    r.tier_changed = r.tier == tier::none ? 0 : c.at();
    r.append_blocks = source.append_blocks;
    r.sealed = source.sealed && http::same_name(c.header("x-ms-seal-blob"), "true");
    r.sequence_number = source.sequence_number;
    if (f == form::put) {
        const bool plain = http::same_name(c.header("x-ms-copy-source-blob-properties"), "false");
        blob_record own;
        apply_content_headers(c, own, false);
        auto pick = [&](const char* name, std::string_view mine, std::string_view& to) {
            if (plain || c.has_header(name)) to = mine;
        };
        pick("x-ms-blob-content-type", own.headers.type, r.headers.type);
        pick("x-ms-blob-content-encoding", own.headers.encoding, r.headers.encoding);
        pick("x-ms-blob-content-language", own.headers.language, r.headers.language);
        pick("x-ms-blob-content-disposition", own.headers.disposition, r.headers.disposition);
        pick("x-ms-blob-cache-control", own.headers.cache_control, r.headers.cache_control);
        if (c.has_header("x-ms-blob-content-md5")) r.headers.md5 = own.headers.md5;
    }
    if (r.headers.type.empty()) r.headers.type = "application/octet-stream";
    return r;
}

void mark_done(blob_record& r, std::string_view id, std::string_view source, nanos now) {
    r.copy = {};
    r.copy.id = id;
    r.copy.source = source;
    r.copy.status = "success";
    r.copy.done = r.copy.total = r.size;
    r.copy.completed = now;
}

reply copy_answer(const blob_record& r, form f) {
    reply out = changed(f == form::put ? 201 : 202, r);
    if (f != form::put) {
        out.headers.add("x-ms-copy-id", r.copy.id);
        out.headers.add("x-ms-copy-status", r.copy.status);
    }
    add_encrypted_write(out.headers, r.encryption);
    return out;
}

// ---- within the store: contents are shared, nothing is read

task<answer> copy_own(service& s, call& c, copy_source& from, const description& about, form f) {
    const std::string id = new_uuid();
    auto change = [&](writer& w) -> answer {
        ACT_TRY(const own_source source, open_own(s, w, from, c, f == form::asynchronous));
        // UNCONFIRMED for copies; it is what a delete is told.
        if (source.record.directory) return failure(codes::not_for_directories);
        ACT_TRY(const place at, check_replace(w, c, source.record.metadata));
        ACT_TRY_VOID(check_content(at, source.record.type, source.record.size));
        blob_record r = copied(c, at, source.record, about, f);
        if (f != form::put) mark_done(r, id, from.text, c.at());
        const std::string lease_id(r.lease.id);
        r.lease.id = lease_id;
        r.content = share(w, *s.files, source.record.content, source.record.size);
        replace(w, c, at, r);
        return copy_answer(r, f);
    };
    co_return co_await change_index(s, change);
}

// ---- from elsewhere

task<answer> copy_now(service& s, call& c, copy_source& from, remote_source& source, const description& about,
                      form f) {
    auto body = co_await take(s, source, nullptr, s.ends());
    if (!body) co_return body.error();
    const remote_description told = describe(source);
    const std::string id = new_uuid();
    auto change = [&](writer& w) -> answer {
        ACT_TRY(const place at, check_replace(w, c, told.record.metadata));
        ACT_TRY_VOID(check_content(at, told.record.type, told.record.size));
        blob_record r = copied(c, at, told.record, about, f);
        if (f != form::put) mark_done(r, id, from.text, c.at());
        r.content = body->ref();
        replace(w, c, at, r);
        body->place(w);
        return copy_answer(r, f);
    };
    answer out = co_await change_index(s, change);
    if (out) body->keep();
    co_return out;
}

// A copy that goes on after its request was answered.
struct pending {
    std::shared_ptr<service::running_copy> running;
    std::string id;
    std::uint64_t container;
    std::string name;
    remote_source source;
};

// Brings the pending destination to its end: with the content, or with the reason why there is none.
task<void> finish_copy(service& s, const pending& p, received* body, std::string problem) {
    auto change = [&](writer& w) -> answer {
        auto found = find(w, table::blobs, p.container, p.name);
        if (!found) return failure(codes::blob_not_found);
        const std::string bytes(*found);
        blob_record r;
        if (!decode(bytes, r) || r.copy.id != p.id || r.copy.status != "pending") {
            return failure(codes::no_pending_copy);
        }
        const nanos at = to_nanos(now());
        r.copy.status = body ? "success" : "failed";
        r.copy.description = problem;
        r.copy.completed = at;
        r.copy.done = p.running->done.load();
        r.etag = next_etag(at, r.etag);
        r.modified = at;
        if (body) {
            r.size = body->size;
            r.content = body->ref();
        }
        save(w, table::blobs, p.container, p.name, {}, encode(r));
        if (body) body->place(w);
        return reply();
    };
    answer done = co_await change_index(s, change);
    if (done && body) body->keep();
    std::lock_guard lock(s.copies_mutex);
    s.copies.erase(p.id);
}

task<void> run_copy(service& s, std::shared_ptr<pending> p) {
    const until u{p->running->stop.token()};
    auto body = co_await take(s, p->source, &p->running->done, u);
    if (body) {
        co_await finish_copy(s, *p, &*body, {});
    } else {
        const bool stopped = p->running->stop.requested();
        co_await finish_copy(s, *p, nullptr,
                             stopped ? "500 OperationCancelled" : "500 " + body.error().message());
    }
}

task<answer> copy_later(service& s, call& c, copy_source& from, remote_source source,
                        const description& about) {
    const remote_description told = describe(source);
    auto running = std::make_shared<service::running_copy>(s.stop.token());
    running->total = source.size;
    const std::string id = new_uuid();
    std::uint64_t container = 0;
    auto change = [&](writer& w) -> answer {
        ACT_TRY(const place at, check_replace(w, c, told.record.metadata));
        ACT_TRY_VOID(check_content(at, told.record.type, source.size));
        blob_record r = copied(c, at, told.record, about, form::asynchronous);
        container = at.container.id;
        r.size = 0;
        r.copy.id = id;
        r.copy.source = from.text;
        r.copy.status = "pending";
        r.copy.total = source.size;
        r.copy.owner = s.files->session();
        replace(w, c, at, r);
        return copy_answer(r, form::asynchronous);
    };
    {
        std::lock_guard lock(s.copies_mutex);
        s.copies[id] = running;
    }
    answer out = co_await change_index(s, change);
    if (!out) {
        std::lock_guard lock(s.copies_mutex);
        s.copies.erase(id);
        co_return out;
    }
    auto p = std::make_shared<pending>(pending{running, id, container, c.blob, std::move(source)});
    s.background.spawn(loop::current(), run_copy(s, std::move(p)));
    co_return out;
}

// Copy Blob has no place for keys and scopes, Copy Blob From URL none for keys.
outcome<> check_headers(const call& c, form f) {
    const char* unknown[] = {"x-ms-encryption-key", "x-ms-source-encryption-key", "x-ms-encryption-scope"};
    for (const char* name : std::span(unknown).first(f == form::put ? 0 : f == form::synchronous ? 2 : 3)) {
        if (c.has_header(name)) return failure(codes::unsupported_header).with("HeaderName", name);
    }
    return {};
}

task<answer> copy(service& s, call& c, form f) {
    ACT_CO_TRY(copy_source from, read_copy_source(s, c));
    if (f == form::asynchronous) from.credential = {};  // this one takes none
    ACT_CO_TRY_VOID(check_headers(c, f));
    ACT_CO_TRY(const description about, read_description(c));
    if (!about.tags.empty() && http::same_name(c.header("x-ms-copy-source-tag-option"), "COPY")) {
        co_return invalid_header("x-ms-copy-source-tag-option", "COPY");
    }
    const bool checked = c.has_header("x-ms-source-content-md5") || c.has_header("x-ms-source-content-crc64");
    if (from.own && !checked) co_return co_await copy_own(s, c, from, about, f);
    if (from.own) {
        // The content is read once, to be compared; what is stored is shared all the same.
        auto body = co_await fetch(s, c, blob::max_put_blob);
        if (!body) co_return body.error();
        co_return co_await copy_own(s, c, from, about, f);
    }
    {
        // Before the source is bothered.
        auto r = s.index->read();
        if (!r) co_return from_error(r.error());
        ACT_CO_TRY_VOID(check_replace(*r, c));
    }
    auto source = co_await open_remote(s, from, c, {}, s.ends());
    if (!source) co_return source.error();
    if (f == form::asynchronous && source->size >= background_from) {
        co_return co_await copy_later(s, c, from, std::move(*source), about);
    }
    co_return co_await copy_now(s, c, from, *source, about, f);
}

}  // namespace

task<answer> copy_blob(service& s, call& c, http::server_exchange&) {
    const bool sync = http::same_name(c.header("x-ms-requires-sync"), "true");
    co_return co_await copy(s, c, sync ? form::synchronous : form::asynchronous);
}

task<answer> put_blob_from_url(service& s, call& c, http::server_exchange&) {
    if (c.header("x-ms-blob-type") != "BlockBlob") {
        co_return invalid_header("x-ms-blob-type", c.header("x-ms-blob-type"));
    }
    co_return co_await copy(s, c, form::put);
}

answer abort_copy(service& s, writer& w, call& c) {
    if (!http::same_name(c.header("x-ms-copy-action"), "abort")) {
        return invalid_header("x-ms-copy-action", c.header("x-ms-copy-action"));
    }
    ACT_TRY(const auto container, existing_container(w, c));
    auto r = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (!r) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_lease(c, r->lease, leased::blob, true));
    if (r->copy.status != "pending") return failure(codes::no_pending_copy);
    if (r->copy.id != c.param("copyid")) return failure(codes::copy_id_mismatch);
    r->copy.status = "aborted";
    r->copy.completed = c.at();
    r->size = 0;
    r->etag = next_etag(c.at(), r->etag);
    r->modified = c.at();
    const std::string id(r->copy.id);
    save(w, table::blobs, container.id, c.blob, {}, encode(*r));
    std::lock_guard lock(s.copies_mutex);
    if (auto i = s.copies.find(id); i != s.copies.end()) i->second->stop.request();
    return reply::of(204);
}

copy_progress progress_of(service& s, const blob_record& r) {
    copy_progress p{std::string(r.copy.status), std::string(r.copy.description), r.copy.done, r.copy.total};
    if (r.copy.status != "pending") return p;
    std::lock_guard lock(s.copies_mutex);
    if (auto i = s.copies.find(r.copy.id); i != s.copies.end()) {
        p.done = i->second->done.load(std::memory_order_relaxed);
    } else if (r.copy.owner != s.files->session() && !s.files->alive(r.copy.owner)) {
        p.status = "failed";
        p.description = "500 OperationCancelled: the store was stopped";
    }
    return p;
}

}  // namespace act::store
