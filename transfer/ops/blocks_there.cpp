#include "transfer/ops/blocks_there.hpp"

#include "transfer/ops/operation.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

namespace {

/// All uncommitted ids of a blob must be of one length (blob-rest.md section 6.2).
bool clashes(const blob::block_list& there) {
    for (const auto& block : there.uncommitted) {
        if (!plan::has_our_length(block.id)) return true;
    }
    return false;
}

/// Blocks of a blob that is under another key or scope cannot become part of one that is under ours.
bool encrypted_alike(const blob::client& client, const std::optional<blob::properties>& existing) {
    const blob::encryption& ours = client.account().encryption;
    return !existing ||
           (existing->key_sha256 == ours.key_sha256() && existing->encryption_scope == ours.scope);
}

task<result<void>> clear_uncommitted(blob::client& client, blob::address where, const blob::block_list& there,
                                     std::optional<blob::properties>& existing, until u) {
    if (!existing) {
        // Deleting drops what is uncommitted, and would as well drop what somebody has committed since we
        // looked.
        ACT_CO_TRY(const auto since, co_await find_blob(client, where, u));
        if (since) {
            co_return error(kind::precondition,
                            "blob '" + where.name + "' was written by somebody else meanwhile",
                            "run the same command again");
        }
        co_return co_await client.remove(where, blob::snapshots::refuse, {}, u);
    }
    // Committing the same content again drops what is uncommitted.
    std::vector<std::string> same;
    for (const auto& block : there.committed) same.push_back(block.id);
    if (same.empty() || !encrypted_alike(client, existing)) {
        co_return error(
            kind::conflict, "blob '" + where.name + "' has uncommitted blocks of another tool",
            "wait until that tool has ended, or remove the blob, then run the same command again");
    }
    blob::write_options options;
    options.content = existing->content;
    options.metadata = existing->metadata;
    options.tags = existing->tags;
    options.when = blob::conditions::matching(existing->etag);
    ACT_CO_TRY(blob::write_result written, co_await client.put_block_list(where, same, options, u));
    existing->etag = written.etag;
    co_return result<void>();
}

}  // namespace

task<result<blocks_there>> find_blocks(blob::client& client, blob::address where,
                                       std::optional<blob::properties>& existing, until u) {
    // Also where the listing had no blob: the service may have carried out what a killed run had asked for,
    // and what was staged is committed by now.
    const bool committed = !existing || existing->type == blob::blob_type::block;
    auto listed = co_await client.get_block_list(where, committed, true, u);
    blocks_there out;
    if (!listed) {
        // Nothing there, or a blob without blocks: everything is sent.
        const auto why = listed.error().kind();
        if (why == kind::not_found || why == kind::conflict) co_return out;
        co_return listed.error();
    }
    if (clashes(*listed)) {
        ACT_CO_TRY_VOID(co_await clear_uncommitted(client, where, *listed, existing, u));
    } else {
        for (auto& block : listed->uncommitted) out.present.insert(std::move(block.id));
    }
    const bool usable = encrypted_alike(client, existing);
    for (auto& block : listed->committed) {
        if (usable) out.present.insert(block.id);
        if (existing) out.committed.push_back(std::move(block.id));
    }
    co_return out;
}

task<bool> drop_staged(blob::client& client, blob::address where, std::optional<blob::properties>& existing,
                       until u) {
    auto listed = co_await client.get_block_list(where, existing.has_value(), true, u);
    if (!listed || listed->uncommitted.empty()) co_return false;
    const auto cleared = co_await clear_uncommitted(client, where, *listed, existing, u);
    co_return cleared.has_value();
}

}  // namespace act::ops
