// Get Blob, Get Blob Properties (blob-rest.md section 7).
#include "tools/store/get_blob.hpp"

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "tools/store/access_control.hpp"
#include "tools/store/conditions.hpp"
#include "tools/store/copy.hpp"
#include "tools/store/encryption.hpp"
#include "tools/store/headers.hpp"
#include "tools/store/past.hpp"
#include "tools/store/send.hpp"
#include "transfer/blob/headers.hpp"

namespace act::store {

namespace {

const char* type_name(blob::blob_type t) {
    switch (t) {
        case blob::blob_type::append:
            return "AppendBlob";
        case blob::blob_type::page:
            return "PageBlob";
        case blob::blob_type::block:
            break;
    }
    return "BlockBlob";
}

// A SAS may say what the reader gets to see (rscc and its kin).
std::string_view shown(const call& c, const char* override, std::string_view stored) {
    if (c.who.form == identity::form::sas && c.has_param(override)) return c.param(override);
    return stored;
}

void add_content_headers(http::fields& f, const call& c, const blob_record& r) {
    auto add = [&](const char* name, std::string_view value) {
        if (!value.empty()) f.add(name, value);
    };
    add("Content-Type", shown(c, "rsct", r.headers.type));
    add("Content-Encoding", shown(c, "rsce", r.headers.encoding));
    add("Content-Language", shown(c, "rscl", r.headers.language));
    add("Content-Disposition", shown(c, "rscd", r.headers.disposition));
    add("Cache-Control", shown(c, "rscc", r.headers.cache_control));
}

void add_copy_headers(service& s, http::fields& f, const blob_record& r) {
    if (r.copy.id.empty()) return;
    const copy_progress p = progress_of(s, r);
    f.add("x-ms-copy-id", r.copy.id);
    f.add("x-ms-copy-source", without_query(r.copy.source));
    f.add("x-ms-copy-status", p.status);
    f.add("x-ms-copy-progress", fmt::format("{}/{}", p.done, p.total));
    if (!p.description.empty()) f.add("x-ms-copy-status-description", p.description);
    if (r.copy.completed != 0) f.add("x-ms-copy-completion-time", to_http_date(from_nanos(r.copy.completed)));
}

// What GET and HEAD have in common.
void add_blob_headers(service& s, http::fields& f, const call& c, const blob_record& r) {
    add_version_headers(f, r.etag, r.modified);
    add_version_id(f, r);
    add_content_headers(f, c, r);
    add_metadata_headers(f, r.metadata);
    f.add("x-ms-blob-type", type_name(r.type));
    f.add("x-ms-creation-time", to_http_date(from_nanos(r.created)));
    if (c.param("snapshot").empty() && c.param("versionid").empty()) add_lease_headers(f, r.lease, c.at());
    f.add("x-ms-server-encrypted", "true");
    add_encryption(f, r.encryption);
    f.add("Accept-Ranges", "bytes");
    if (r.type == blob::blob_type::append) {
        f.add("x-ms-blob-committed-block-count", std::uint64_t(r.append_blocks));
        if (r.sealed) f.add("x-ms-blob-sealed", "true");
    }
    if (r.type == blob::blob_type::page) f.add("x-ms-blob-sequence-number", r.sequence_number);
    if (!r.tags.empty()) f.add("x-ms-tag-count", std::uint64_t(packed::count(r.tags)));
    add_copy_headers(s, f, r);
    if (!s.options.hierarchical) return;
    f.add("x-ms-resource-type", r.directory ? "directory" : "file");
    // Learn, "Version 2023-11-03".
    add_access_headers(f, access_control::of(r), c.version >= "2023-11-03");
}

outcome<std::optional<blob::byte_range>> requested_range(const call& c) {
    const std::string_view text = c.has_header("x-ms-range") ? c.header("x-ms-range") : c.header("Range");
    if (text.empty()) return std::optional<blob::byte_range>();
    // A form that is not understood is passed over, as HTTP has it.
    return blob::parse_range(text);
}

}  // namespace

outcome<blob_record> readable_blob(const reader& r, const call& c) {
    ACT_TRY(const auto container, existing_container(r, c));
    auto record = load_asked(r, container.id, c);
    if (!record) return failure(codes::blob_not_found);
    ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
    ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::read));
    return *record;
}

answer head_blob(service& s, const reader& r, call& c) {
    ACT_TRY(const blob_record b, readable_blob(r, c));
    ACT_TRY_VOID(check_read(c, b.encryption));
    reply out;
    add_blob_headers(s, out.headers, c, b);
    out.headers.add("Content-Length", b.size);
    if (!b.headers.md5.empty()) out.headers.add("Content-MD5", b.headers.md5);
    if (b.type == blob::blob_type::block) {
        out.headers.add("x-ms-access-tier", to_string(b.tier));
        if (b.tier == tier::none) {
            out.headers.add("x-ms-access-tier-inferred", "true");
        } else {
            out.headers.add("x-ms-access-tier-change-time", to_http_date(from_nanos(b.tier_changed)));
        }
    }
    return out;
}

answer get_blob(service& s, const reader& r, call& c) {
    ACT_TRY(const blob_record b, readable_blob(r, c));
    ACT_TRY_VOID(check_read(c, b.encryption));
    if (b.tier == tier::archive) return failure(codes::blob_archived);
    ACT_TRY(const auto range, requested_range(c));
    reply out;
    std::uint64_t first = 0, length = b.size;
    if (range) {
        if (range->first >= b.size || range->last < range->first) {
            return failure(codes::invalid_range).header("Content-Range", fmt::format("bytes */{}", b.size));
        }
        first = range->first;
        length = std::min(range->last, b.size - 1) - first + 1;
        out.status = 206;
        out.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", first, first + length - 1, b.size));
    }
    add_blob_headers(s, out.headers, c, b);
    if (!b.headers.md5.empty())
        out.headers.add(range ? "x-ms-blob-content-md5" : "Content-MD5", b.headers.md5);
    out.content = segments(r, b.content, b.size, first, length);
    out.length = length;
    return out;
}

namespace {

// Small pieces live in the index, which a pin does not keep: they are copied, or the look at the index is
// kept.
void keep_small_pieces(reply& out, reader& r) {
    constexpr std::uint64_t most = 256 * KiB;
    std::uint64_t bytes = 0;
    for (const segment& s : out.content) {
        if (s.piece != 0 && !is_file(s.piece)) bytes += small_piece;
    }
    if (bytes == 0) return;
    if (bytes > most) {
        out.view = std::make_unique<reader>(std::move(r));
        return;
    }
    for (const segment& s : out.content) {
        if (s.piece == 0 || is_file(s.piece)) continue;
        const auto row = r.get(table::pieces, number_key(s.piece).view());
        out.small.emplace_back(s.piece, std::string(row.value_or(std::string_view())));
    }
}

}  // namespace

task<answer> get_blob_content(service& s, call& c, http::server_exchange&) {
    const bool crc = http::same_name(c.header("x-ms-range-get-content-crc64"), "true");
    const bool md5 = http::same_name(c.header("x-ms-range-get-content-md5"), "true");
    answer out = failure();
    {
        // Held before the index is looked at: the files that it names stay until they have been sent.
        files::pin pin = s.files->hold();
        auto r = s.index->read();
        if (!r) co_return from_error(r.error());
        out = get_blob(s, *r, c);
        if (out) keep_small_pieces(*out, *r);
        if ((out && out->view ? *out->view : *r).failed()) co_return failure();
        if (!out) co_return out;
        out->pin = std::move(pin);
    }
    if (!crc && !md5) co_return out;
    const char* asked = crc ? "x-ms-range-get-content-crc64" : "x-ms-range-get-content-md5";
    if ((crc && md5) || out->status != 206) co_return invalid_header(asked, "true");
    if (out->length > blob::max_checked_range) co_return failure(codes::out_of_range_input);
    auto sums = co_await checksums(s, *out, md5);
    if (!sums) co_return from_error(sums.error());
    if (crc) {
        out->headers.add("x-ms-content-crc64", codec::crc64_header(sums->crc64));
    } else {
        out->headers.add("Content-MD5", codec::base64_encode(codec::as_bytes(sums->md5)));
    }
    co_return out;
}

}  // namespace act::store
