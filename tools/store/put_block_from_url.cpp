// Put Block From URL (blob-rest.md section 6.3).
#include "tools/store/blocks.hpp"
#include "tools/store/copy.hpp"

namespace act::store {

namespace {

bool wants_checksum(const call& c) {
    return c.has_header("x-ms-source-content-md5") || c.has_header("x-ms-source-content-crc64");
}

// A range of a blob of this store that lies in one piece becomes a block without being read. Nothing: it does
// not.
outcome<std::optional<reply>> share_as_block(service& s, writer& w, call& c, copy_source& from,
                                             const std::string& block_id) {
    ACT_TRY(const own_source source, open_own(s, w, from, c, false));
    ACT_TRY(const blob::range range, source_range(c, source.record.size));
    if (range.length == 0) return invalid_header("x-ms-source-range", c.header("x-ms-source-range"));
    if (range.length > blob::max_block) return failure(codes::body_too_large);
    const auto parts = segments(w, source.record.content, source.record.size, range.offset, range.length);
    if (parts.size() != 1 || parts[0].piece == 0) return std::optional<reply>();
    // First, as an older block of this id may be about to let go of the same piece.
    share_piece(w, parts[0].piece);
    auto out = stage_block(s, w, c, block_id, {parts[0].piece, parts[0].offset, parts[0].length});
    if (!out) {
        release_piece(w, parts[0].piece);
        return out.error();
    }
    return std::optional<reply>(std::move(*out));
}

}  // namespace

task<answer> put_block_from_url(service& s, call& c, http::server_exchange&) {
    ACT_CO_TRY(const std::string block_id, read_block_id(c));
    ACT_CO_TRY(copy_source from, read_copy_source(s, c));
    if (from.own && !wants_checksum(c)) {
        bool apart = false;
        auto change = [&](writer& w) -> answer {
            apart = false;
            auto shared = share_as_block(s, w, c, from, block_id);
            if (!shared) return shared.error();
            if (*shared) return std::move(**shared);
            apart = true;
            return reply();
        };
        answer out = co_await change_index(s, change);
        if (!out || !apart) co_return out;
    }
    auto body = co_await fetch(s, c, blob::max_block);
    if (!body) co_return body.error();
    auto change = [&](writer& w) -> answer {
        answer out = stage_block(s, w, c, block_id, {body->piece, 0, body->size});
        if (!out) return out;
        body->place(w);
        if (c.has_header("x-ms-source-content-md5")) {
            out->headers.add("Content-MD5", c.header("x-ms-source-content-md5"));
        } else {
            out->headers.add("x-ms-content-crc64", codec::crc64_header(body->crc64));
        }
        return out;
    };
    answer out = co_await change_index(s, change);
    if (out) body->keep();
    co_return out;
}

}  // namespace act::store
