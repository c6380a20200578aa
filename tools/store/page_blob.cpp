// Put Page, Clear Pages, Put Page From URL, Get Page Ranges (blob-rest.md section 6.7).
#include "tools/store/copy.hpp"
#include "tools/store/encryption.hpp"
#include "tools/store/get_blob.hpp"
#include "tools/store/listing.hpp"
#include "transfer/blob/headers.hpp"

namespace act::store {

namespace {

constexpr std::uint64_t page = 512;
constexpr std::uint64_t largest_update = 4 * MiB;

outcome<blob::byte_range> page_range(const call& c) {
    const std::string_view text = c.has_header("x-ms-range") ? c.header("x-ms-range") : c.header("Range");
    if (text.empty()) return missing_header("x-ms-range");
    const auto range = blob::parse_range(text);
    if (!range || range->last == UINT64_MAX || range->last < range->first)
        return invalid_header("x-ms-range", text);
    if (range->first % page != 0 || (range->last + 1) % page != 0) return failure(codes::invalid_page_range);
    return *range;
}

outcome<> check_sequence(const call& c, std::uint64_t mine) {
    ACT_TRY(const auto at_most, header_number(c, "x-ms-if-sequence-number-le"));
    ACT_TRY(const auto below, header_number(c, "x-ms-if-sequence-number-lt"));
    ACT_TRY(const auto equal, header_number(c, "x-ms-if-sequence-number-eq"));
    if ((at_most && mine > *at_most) || (below && mine >= *below) || (equal && mine != *equal)) {
        return failure(codes::sequence_number);
    }
    return {};
}

// `body` is null for a clear.
answer update(service& s, writer& w, const call& c, const blob::byte_range& range, const received* body) {
    ACT_TRY(const auto container, existing_container(w, c));
    auto found = find(w, table::blobs, container.id, c.blob);
    if (!found) return failure(codes::blob_not_found);
    const std::string bytes(*found);
    blob_record r;
    if (!decode(bytes, r)) return failure();
    if (r.type != blob::blob_type::page) return failure(codes::invalid_blob_type);
    ACT_TRY_VOID(check_change(c, &r));
    ACT_TRY(const encryption asked, encryption_of_write(c, container));
    ACT_TRY_VOID(check_change_in_place(asked, r.encryption));
    ACT_TRY_VOID(check_sequence(c, r.sequence_number));
    if (range.last >= r.size) return failure(codes::invalid_page_range);

    r.content = make_extents(w, *s.files, r.content, r.size);
    if (body) {
        put_extent(w, r.content.id, range.first, {body->piece, 0, body->size});
        body->place(w);
    } else {
        clear_extents(w, r.content.id, range.first, range.last + 1);
    }
    r.etag = next_etag(c.at(), r.etag);
    r.modified = c.at();
    r.lease = after_change(r.lease, c.at());
    save(w, table::blobs, container.id, c.blob, {}, encode(r));
    reply out = changed(201, r);
    out.headers.add("x-ms-blob-sequence-number", r.sequence_number);
    add_encrypted_write(out.headers, r.encryption);
    return out;
}

}  // namespace

task<answer> put_page(service& s, call& c, http::server_exchange& x) {
    ACT_CO_TRY(const blob::byte_range range, page_range(c));
    const std::string_view action = c.header("x-ms-page-write");
    if (http::same_name(action, "clear")) {
        auto clear = [&](writer& w) -> answer { return update(s, w, c, range, nullptr); };
        co_return co_await change_index(s, clear);
    }
    if (!http::same_name(action, "update")) co_return invalid_header("x-ms-page-write", action);
    const std::uint64_t length = range.last - range.first + 1;
    const bool from_url = c.has_header("x-ms-copy-source");
    if (length > largest_update) co_return failure(codes::body_too_large);
    if (!from_url && c.content_length != length) co_return failure(codes::invalid_page_range);
    auto body =
        from_url ? co_await fetch(s, c, largest_update) : co_await receive(s, c, x, largest_update, 0);
    if (!body) co_return body.error();
    if (body->size != length) co_return failure(codes::invalid_page_range);
    auto change = [&](writer& w) -> answer {
        answer out = update(s, w, c, range, &*body);
        if (out) add_checksum(out->headers, c, *body);
        return out;
    };
    answer out = co_await change_index(s, change);
    if (out) body->keep();
    co_return out;
}

answer get_page_ranges(service&, const reader& r, call& c) {
    if (c.has_param("prevsnapshot") || c.has_header("x-ms-previous-snapshot-url")) {
        return failure(codes::not_implemented);
    }
    ACT_TRY(const blob_record b, readable_blob(r, c));
    if (b.type != blob::blob_type::page) return failure(codes::invalid_blob_type);
    std::uint64_t from = 0, to = b.size;
    const std::string_view text = c.has_header("x-ms-range") ? c.header("x-ms-range") : c.header("Range");
    if (const auto range = blob::parse_range(text)) {
        if (range->first >= b.size) return failure(codes::invalid_range);
        from = range->first / page * page;
        to = std::min(b.size, range->last == UINT64_MAX ? b.size : (range->last / page + 1) * page);
    }
    std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>";
    std::uint64_t at = from, start = from;
    bool open = false;
    auto flush = [&] {
        if (!open) return;
        out += "<PageRange>";
        element(out, "Start", start);
        element(out, "End", at - 1);
        out += "</PageRange>";
        open = false;
    };
    for (const segment& seg : segments(r, b.content, b.size, from, to - from)) {
        if (seg.piece == 0) {
            flush();
        } else if (!open) {
            start = at;
            open = true;
        }
        at += seg.length;
    }
    flush();
    out += "</PageList>";
    reply page_list = reply::xml(200, std::move(out));
    add_version_headers(page_list.headers, b.etag, b.modified);
    page_list.headers.add("x-ms-blob-content-length", b.size);
    return page_list;
}

}  // namespace act::store
