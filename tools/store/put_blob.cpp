// Put Blob (blob-rest.md section 6.1), and what all operations that replace a whole blob have in common.
#include "tools/store/put_blob.hpp"

#include "engine/codec/base64.hpp"
#include "tools/store/directories.hpp"
#include "tools/store/encryption.hpp"

namespace act::store {

outcome<place> check_replace(const reader& r, const call& c, std::string_view copied) {
    place p;
    ACT_TRY(p.container, existing_container(r, c));
    p.old = load<blob_record>(r, table::blobs, p.container.id, c.blob);
    ACT_TRY_VOID(check_change(c, p.old ? &*p.old : nullptr, purpose::create));
    if (p.old) {
        if (!c.who.may('w')) return failure(codes::unauthorized_overwrite);
        if (p.old->tier == tier::archive) return failure(codes::blob_archived);
        p.snapshots = p.old->snapshots;
    }
    ACT_TRY(const encryption asked, encryption_of_write(c, p.container));
    p.key_sha256 = asked.key_sha256;
    p.scope = asked.scope;
    p.directory = makes_directory(r, c, copied);
    ACT_TRY_VOID(check_features(r, c));
    ACT_TRY_VOID(check_place(r, p.container.id, c.blob, p.old ? &*p.old : nullptr, p.directory));
    // What is overwritten in a hierarchical account is gone (Learn, "Soft delete for blobs").
    if (!r.hierarchical()) p.kept = protection_of(r);
    if (p.kept.versioning) p.version = next_version(r, p.container.id, c.blob, c.at());
    // Without a blob there are some only where they were brought back without it.
    if (!p.old && p.kept.any()) p.snapshots = count_snapshots(r, p.container.id, c.blob);
    return p;
}

outcome<> check_content(const place& p, blob::blob_type type, std::uint64_t size) {
    if (!p.directory || (type == blob::blob_type::block && size == 0)) return {};
    return invalid_header("x-ms-meta-hdi_isfolder", "true");
}

blob_record successor(const call& c, const place& p, blob::blob_type type) {
    blob_record r;
    r.type = type;
    r.etag = next_etag(c.at(), p.old ? p.old->etag : 0);
    r.modified = c.at();
    r.created = p.old ? p.old->created : c.at();
    r.version = p.version;
    r.snapshots = p.snapshots;
    r.directory = p.directory;
    if (p.old) r.access = p.old->access;
    r.encryption = {p.key_sha256, p.scope};
    if (p.old) r.lease = after_change(p.old->lease, c.at());
    return r;
}

void replace(writer& w, const call& c, const place& p, const blob_record& r) {
    // Encoded first: parts of the record may be views into the row that is about to change.
    const std::string bytes = encode(r);
    const content_ref old = p.old ? p.old->content : content_ref();
    const bool kept = p.kept.any() && keep_replaced(w, c, p.kept, p.container.id);
    if (!p.old) make_parents(w, c, p.container.id, c.blob);
    save(w, table::blobs, p.container.id, c.blob, {}, bytes);
    if (!kept) release(w, old);
    discard_upload(w, p.container.id, c.blob);
}

void discard_upload(writer& w, std::uint64_t container, std::string_view name,
                    const std::unordered_set<std::string>* moved) {
    auto upload = load<upload_record>(w, table::uploads, container, name);
    if (!upload) return;
    const std::string prefix(number_key(upload->id).view());
    for (;;) {
        // The cursor does not outlive a change: it starts again after every lot.
        std::vector<std::pair<std::string, id>> lot;
        {
            cursor rows(w, table::blocks);
            for (bool more = rows.seek(prefix); more && rows.key().starts_with(prefix) && lot.size() < 1024;
                 more = rows.next()) {
                block_record b;
                if (decode(rows.value(), b)) lot.emplace_back(rows.key(), b.piece);
            }
        }
        if (lot.empty()) break;
        for (const auto& [row, piece] : lot) {
            w.erase(table::blocks, row);
            if (!moved || !moved->contains(row.substr(8))) release_piece(w, piece);
        }
    }
    erase(w, table::uploads, container, name);
}

outcome<> check_before_body(service& s, const call& c) {
    // For little it is cheaper to read it in vain.
    if (c.content_length.value_or(0) <= MiB) return {};
    auto r = s.index->read();
    if (!r) return from_error(r.error());
    ACT_TRY_VOID(existing_container(*r, c));
    return {};
}

namespace {

outcome<blob::blob_type> type_of(const call& c) {
    const std::string_view text = c.header("x-ms-blob-type");
    if (text.empty()) return missing_header("x-ms-blob-type");
    if (text == "BlockBlob") return blob::blob_type::block;
    if (text == "AppendBlob") return blob::blob_type::append;
    if (text == "PageBlob") return blob::blob_type::page;
    return invalid_header("x-ms-blob-type", text);
}

// What a page blob's head must say.
outcome<std::pair<std::uint64_t, std::uint64_t>> page_size(const call& c) {
    constexpr std::uint64_t largest = 8 * TiB;
    ACT_TRY(const auto size, header_number(c, "x-ms-blob-content-length"));
    ACT_TRY(const auto sequence, header_number(c, "x-ms-blob-sequence-number"));
    if (!size) return missing_header("x-ms-blob-content-length");
    if (*size % 512 != 0 || *size > largest) {
        return invalid_header("x-ms-blob-content-length", c.header("x-ms-blob-content-length"));
    }
    return std::pair(*size, sequence.value_or(0));
}

}  // namespace

task<answer> put_blob(service& s, call& c, http::server_exchange& x) {
    if (c.has_header("x-ms-copy-source")) {
        // An operation of its own when the type is given, too (section 8).
        if (c.has_header("x-ms-blob-type")) co_return co_await put_blob_from_url(s, c, x);
        co_return co_await copy_blob(s, c, x);
    }
    ACT_CO_TRY(const blob::blob_type type, type_of(c));
    ACT_CO_TRY(const description about, read_description(c));
    ACT_CO_TRY_VOID(check_before_body(s, c));

    blob_record fresh;
    if (type == blob::blob_type::page) {
        ACT_CO_TRY(const auto sizes, page_size(c));
        fresh.size = sizes.first;
        fresh.sequence_number = sizes.second;
    }
    const bool block = type == blob::blob_type::block;
    auto body = co_await receive(s, c, x, block ? blob::max_put_blob : 0, block ? md5_up_to : 0);
    if (!body) co_return body.error();

    const id extents = s.files->next_id();
    auto change = [&](writer& w) -> answer {
        ACT_TRY(const place at, check_replace(w, c));
        ACT_TRY_VOID(check_content(at, type, body->size));
        // blob-rest.md section 19; the code is what such an account says of snapshots and tags.
        if (type == blob::blob_type::page && w.hierarchical()) return failure(codes::not_for_hierarchical);
        blob_record r = successor(c, at, type);
        about.apply(c, r);
        apply_content_headers(c, r, true);
        std::string md5;
        if (block) {
            r.size = body->size;
            r.content = body->ref();
            if (r.headers.md5.empty() && !body->md5.empty()) {
                md5 = codec::base64_encode(codec::as_bytes(body->md5));
                r.headers.md5 = md5;
            }
        } else {
            r.size = fresh.size;
            r.sequence_number = fresh.sequence_number;
            r.content = {content_ref::form::extents, extents};
        }
        replace(w, c, at, r);
        body->place(w);
        reply out = changed(201, r);
        if (!md5.empty()) {
            out.headers.add("Content-MD5", md5);
        } else if (block && c.has_header("Content-MD5")) {
            add_checksum(out.headers, c, *body);
        }
        if (block && !c.has_header("Content-MD5")) {
            out.headers.add("x-ms-content-crc64", codec::crc64_header(body->crc64));
        }
        add_encrypted_write(out.headers, r.encryption);
        return out;
    };
    answer out = co_await change_index(s, change);
    if (out) body->keep();
    co_return out;
}

}  // namespace act::store
