// Append Block, Append Block From URL, Append Blob Seal (blob-rest.md section 6.6).
#include "tools/store/copy.hpp"
#include "tools/store/encryption.hpp"

namespace act::store {

namespace {

constexpr std::uint64_t largest_append = 100 * MiB;
constexpr std::uint32_t most_appends = 50'000;

outcome<> check_position(const call& c, std::uint64_t size, std::uint64_t added) {
    ACT_TRY(const auto position, header_number(c, "x-ms-blob-condition-appendpos"));
    ACT_TRY(const auto largest, header_number(c, "x-ms-blob-condition-maxsize"));
    if (position && *position != size) return failure(codes::append_position);
    if (largest && size + added > *largest) return failure(codes::max_blob_size);
    return {};
}

answer append(service& s, writer& w, const call& c, const received& body) {
    ACT_TRY(const auto container, existing_container(w, c));
    auto found = find(w, table::blobs, container.id, c.blob);
    if (!found) return failure(codes::blob_not_found);
    const std::string bytes(*found);
    blob_record r;
    if (!decode(bytes, r)) return failure();
    if (r.type != blob::blob_type::append) return failure(codes::invalid_blob_type);
    ACT_TRY_VOID(check_change(c, &r));
    ACT_TRY(const encryption asked, encryption_of_write(c, container));
    ACT_TRY_VOID(check_change_in_place(asked, r.encryption));
    ACT_TRY_VOID(check_position(c, r.size, body.size));
    if (r.sealed) return failure(codes::blob_sealed);
    if (r.append_blocks >= most_appends) return failure(codes::block_count_exceeded);

    const std::uint64_t offset = r.size;
    r.content = make_extents(w, *s.files, r.content, r.size);
    r.size += body.size;
    ++r.append_blocks;
    r.etag = next_etag(c.at(), r.etag);
    r.modified = c.at();
    r.lease = after_change(r.lease, c.at());
    put_extent(w, r.content.id, offset, {body.piece, 0, body.size});
    body.place(w);
    save(w, table::blobs, container.id, c.blob, {}, encode(r));
    reply out = changed(201, r);
    out.headers.add("x-ms-blob-append-offset", offset);
    out.headers.add("x-ms-blob-committed-block-count", std::uint64_t(r.append_blocks));
    add_encrypted_write(out.headers, r.encryption);
    return out;
}

}  // namespace

task<answer> append_block(service& s, call& c, http::server_exchange& x) {
    const bool from_url = c.has_header("x-ms-copy-source");
    if (!from_url && c.content_length == 0) co_return invalid_header("Content-Length", "0");
    auto body =
        from_url ? co_await fetch(s, c, largest_append) : co_await receive(s, c, x, largest_append, 0);
    if (!body) co_return body.error();
    auto change = [&](writer& w) -> answer {
        answer out = append(s, w, c, *body);
        if (out) add_checksum(out->headers, c, *body);
        return out;
    };
    answer out = co_await change_index(s, change);
    if (out) body->keep();
    co_return out;
}

answer seal_blob(service&, writer& w, call& c) {
    ACT_TRY(const auto container, existing_container(w, c));
    auto r = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (!r) return failure(codes::blob_not_found);
    if (r->type != blob::blob_type::append) return failure(codes::invalid_blob_type);
    ACT_TRY_VOID(check_change(c, &*r));
    ACT_TRY_VOID(check_position(c, r->size, 0));
    if (!r->sealed) {
        r->sealed = true;
        r->etag = next_etag(c.at(), r->etag);
        r->modified = c.at();
        save(w, table::blobs, container.id, c.blob, {}, encode(*r));
    }
    reply out = changed(200, *r);
    out.headers.add("x-ms-blob-sealed", "true");
    return out;
}

}  // namespace act::store
