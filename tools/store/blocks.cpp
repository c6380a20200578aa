// Put Block, Put Block List, Get Block List (blob-rest.md sections 6.2, 6.4, 6.5).
#include "tools/store/blocks.hpp"

#include <unordered_map>

#include "engine/codec/base64.hpp"
#include "tools/store/directories.hpp"
#include "tools/store/encryption.hpp"
#include "tools/store/past.hpp"
#include "transfer/blob/documents.hpp"

namespace act::store {

namespace {

constexpr std::uint32_t most_uncommitted = 100'000;

// Blocks by their decoded id.
using block_map = std::unordered_map<std::string, block_record>;

block_map committed_blocks(const reader& r, const blob_record& b) {
    block_map out;
    if (b.content.form != content_ref::form::list) return out;
    const list_view list(r.get(table::lists, number_key(b.content.id).view()).value_or(std::string_view()));
    for (std::size_t i = 0; i < list.size(); ++i) {
        const list_entry e = list[i];
        if (!e.block_id.empty()) out[std::string(e.block_id)] = {e.piece, e.offset, e.length};
    }
    return out;
}

struct upload_blocks {
    std::optional<upload_record> upload;
    block_map blocks;
};

upload_blocks staged_blocks(const reader& r, std::uint64_t container, std::string_view name) {
    upload_blocks out;
    out.upload = load<upload_record>(r, table::uploads, container, name);
    if (!out.upload) return out;
    const key prefix = number_key(out.upload->id);
    cursor rows(r, table::blocks);
    for (bool more = rows.seek(prefix.view()); more && rows.key().starts_with(prefix.view());
         more = rows.next()) {
        block_record b;
        if (decode(rows.value(), b)) out.blocks[std::string(rows.key().substr(8))] = b;
    }
    return out;
}

outcome<> check_body_md5(const call& c) {
    ACT_TRY(const declared sums, declared::of(c, "x-ms-content-crc64", "Content-MD5"));
    received as_sent;
    as_sent.crc64 = codec::crc64(0, codec::as_bytes(c.body));
    if (!sums.md5.empty()) as_sent.md5 = codec::md5_of(codec::as_bytes(c.body));
    return sums.check(as_sent);
}

}  // namespace

outcome<std::string> read_block_id(const call& c) {
    const std::string_view text = c.param("blockid");
    if (text.empty()) return missing_query("blockid");
    auto id = codec::base64_decode(text);
    if (!id || id->empty()) return failure(codes::invalid_block_id);
    if (id->size() > 64) return failure(codes::out_of_range_query).with("QueryParameterName", "blockid");
    return std::move(*id);
}

answer stage_block(service& s, writer& w, const call& c, const std::string& block_id,
                   const block_record& block) {
    ACT_TRY(const auto container, existing_container(w, c));
    const auto record = load<blob_record>(w, table::blobs, container.id, c.blob);
    if (record) {
        if (record->type != blob::blob_type::block) return failure(codes::invalid_blob_type);
        ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, true));
        if (record->tier == tier::archive) return failure(codes::blob_archived);
        if (!c.who.may('w')) return failure(codes::unauthorized_overwrite);
    }
    ACT_TRY_VOID(check_place(w, container.id, c.blob, record ? &*record : nullptr, false));
    ACT_TRY(const encryption asked, encryption_of_write(c, container));
    // Copied: the row that the record shows is written again.
    const std::string scope(asked.scope);
    auto upload = load<upload_record>(w, table::uploads, container.id, c.blob);
    if (upload) {
        ACT_TRY_VOID(check_change_in_place(asked, upload->encryption));
        upload->encryption = {asked.key_sha256, scope};
    } else {
        upload.emplace();
        upload->encryption = {asked.key_sha256, scope};
        upload->id = s.files->next_id();
        upload->id_size = static_cast<std::uint32_t>(block_id.size());
    }
    if (upload->id_size != block_id.size()) return failure(codes::invalid_blob_or_block);
    const key row = number_key(upload->id).add(block_id);
    block_record old;
    if (auto bytes = w.get(table::blocks, row.view()); bytes && decode(*bytes, old)) {
        release_piece(w, old.piece);
    } else {
        if (upload->blocks >= most_uncommitted) return failure(codes::uncommitted_count_exceeded);
        ++upload->blocks;
    }
    upload->touched = c.at();
    w.put(table::blocks, row.view(), encode(block));
    save(w, table::uploads, container.id, c.blob, {}, encode(*upload));
    reply out = reply::of(201);
    add_encrypted_write(out.headers, upload->encryption);
    return out;
}

task<answer> put_block(service& s, call& c, http::server_exchange& x) {
    if (c.has_header("x-ms-copy-source")) co_return co_await put_block_from_url(s, c, x);
    ACT_CO_TRY(const std::string block_id, read_block_id(c));
    ACT_CO_TRY_VOID(check_before_body(s, c));
    if (c.content_length == 0) co_return invalid_header("Content-Length", "0");
    auto body = co_await receive(s, c, x, blob::max_block, 0);
    if (!body) co_return body.error();
    auto change = [&](writer& w) -> answer {
        auto out = stage_block(s, w, c, block_id, {body->piece, 0, body->size});
        if (!out) return out;
        body->place(w);
        add_checksum(out->headers, c, *body);
        return out;
    };
    answer out = co_await change_index(s, change);
    if (out) body->keep();
    co_return out;
}

answer put_block_list(service& s, writer& w, call& c) {
    ACT_TRY_VOID(check_body_md5(c));
    auto wanted = blob::read_block_references(c.body);
    if (!wanted) {
        return failure(wanted.error().code() == codes::block_list_too_long.name ? codes::block_list_too_long
                                                                                : codes::invalid_xml);
    }
    ACT_TRY(const description about, read_description(c));
    ACT_TRY(const place at, check_replace(w, c));
    if (at.old && at.old->type != blob::blob_type::block) return failure(codes::invalid_blob_type);

    const encryption asked{at.key_sha256, at.scope};
    const block_map committed = at.old ? committed_blocks(w, *at.old) : block_map();
    upload_blocks staged = staged_blocks(w, at.container.id, c.blob);
    std::vector<std::string> ids;
    std::vector<list_entry> entries;
    ids.reserve(wanted->size());
    entries.reserve(wanted->size());
    std::uint64_t size = 0;
    std::vector<id> more;
    std::unordered_set<const block_record*> used;
    for (const blob::block_reference& want : *wanted) {
        auto id = codec::base64_decode(want.id);
        if (!id || id->empty() || id->size() > 64) return failure(codes::invalid_block_id);
        const block_record* found = nullptr;
        if (want.source != blob::block_source::committed) {
            if (auto i = staged.blocks.find(*id); i != staged.blocks.end()) {
                ACT_TRY_VOID(check_change_in_place(asked, staged.upload->encryption));
                found = &i->second;
                if (!used.insert(found).second) more.push_back(found->piece);
            }
        }
        if (!found && want.source != blob::block_source::uncommitted) {
            if (auto i = committed.find(*id); i != committed.end()) {
                ACT_TRY_VOID(check_change_in_place(asked, at.old->encryption));
                found = &i->second;
                more.push_back(found->piece);
            }
        }
        if (!found) return failure(codes::invalid_block_list);
        ids.push_back(std::move(*id));
        entries.push_back({ids.back(), found->piece, found->offset, found->size});
        size += found->size;
    }

    ACT_TRY_VOID(check_content(at, blob::blob_type::block, size));
    blob_record r = successor(c, at, blob::blob_type::block);
    about.apply(c, r);
    apply_content_headers(c, r, false);
    r.size = size;
    r.content = {content_ref::form::list, s.files->next_id()};
    const std::string lease_id(r.lease.id);
    r.lease.id = lease_id;
    // Staged blocks hand their references to the list; what is listed otherwise is held before the old list
    // lets go.
    for (id piece : more) share_piece(w, piece);
    write_list(w, r.content.id, entries);
    std::unordered_set<std::string> moved;
    for (const auto& [block_id, block] : staged.blocks) {
        if (used.contains(&block)) moved.insert(block_id);
    }
    discard_upload(w, at.container.id, c.blob, &moved);
    replace(w, c, at, r);

    reply out = changed(201, r);
    if (c.has_header("Content-MD5")) {
        out.headers.add("Content-MD5", c.header("Content-MD5"));
    } else {
        out.headers.add("x-ms-content-crc64", codec::crc64_header(codec::crc64(0, codec::as_bytes(c.body))));
    }
    add_encrypted_write(out.headers, r.encryption);
    return out;
}

answer get_block_list(service&, const reader& r, call& c) {
    const std::string_view which = c.param("blocklisttype");
    const bool all = http::same_name(which, "all");
    const bool uncommitted = all || http::same_name(which, "uncommitted");
    const bool committed = all || which.empty() || http::same_name(which, "committed");
    if (!committed && !uncommitted) return invalid_query("blocklisttype", which);
    ACT_TRY(const auto container, existing_container(r, c));
    const bool current = c.param("snapshot").empty() && c.param("versionid").empty();
    const auto record = load_asked(r, container.id, c);
    const auto upload = load<upload_record>(r, table::uploads, container.id, c.blob);
    if (!record && (!upload || !current)) return failure(codes::blob_not_found);
    if (record) {
        if (record->type != blob::blob_type::block) return failure(codes::invalid_blob_type);
        ACT_TRY_VOID(check_lease(c, record->lease, leased::blob, false));
        ACT_TRY_VOID(check_conditions(c, state::of(&*record), purpose::read));
    }

    blob::block_list lists;
    if (committed && record && record->content.form == content_ref::form::list) {
        auto row = r.get(table::lists, number_key(record->content.id).view());
        const list_view list(row.value_or(std::string_view()));
        for (std::size_t i = 0; i < list.size(); ++i) {
            const list_entry e = list[i];
            if (e.block_id.empty()) continue;
            lists.committed.push_back({codec::base64_encode(codec::as_bytes(e.block_id)), e.length});
        }
    }
    if (uncommitted && upload && current) {
        const key prefix = number_key(upload->id);
        cursor rows(r, table::blocks);
        for (bool more = rows.seek(prefix.view()); more && rows.key().starts_with(prefix.view());
             more = rows.next()) {
            block_record b;
            if (!decode(rows.value(), b)) continue;
            lists.uncommitted.push_back(
                {codec::base64_encode(codec::as_bytes(rows.key().substr(8))), b.size});
        }
    }
    reply out = reply::xml(200, blob::write_block_list(lists, committed, uncommitted));
    if (record) add_version_headers(out.headers, record->etag, record->modified);
    out.headers.add("x-ms-blob-content-length", record ? record->size : 0);
    return out;
}

}  // namespace act::store
