#include "transfer/ops/staged_blocks.hpp"

#include "transfer/ops/upload_file.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

namespace {

/// All uncommitted ids of a blob must be of one length (blob-rest.md section 6.2), so those that another tool
/// left behind would make ours be refused.
task<result<void>> clear_foreign_blocks(blob::client& client, const blob::address& where,
                                        std::optional<blob::properties>& existing,
                                        const blob::block_list& there, until u) {
    bool clash = false;
    for (const auto& block : there.uncommitted) {
        if (!plan::parse_block_id(block.id)) clash = true;
    }
    if (!clash) co_return result<void>();
    if (!existing) co_return co_await client.remove(where, blob::snapshots::refuse, {}, u);
    // Committing the same content again drops what is uncommitted.
    std::vector<std::string> same;
    for (const auto& block : there.committed) same.push_back(block.id);
    blob::write_options options;
    options.content = existing->content;
    options.metadata = existing->metadata;
    options.tags = existing->tags;
    options.when = as_seen(existing);
    if (same.empty()) {
        co_return error(
            kind::conflict, "blob '" + where.name + "' has uncommitted blocks of another tool",
            "wait until that tool has ended, or remove the blob, then run the same command again");
    }
    ACT_CO_TRY(blob::write_result written, co_await client.put_block_list(where, same, options, u));
    existing->etag = written.etag;
    co_return result<void>();
}

}  // namespace

task<result<staged_blocks>> find_staged_blocks(blob::client& client, blob::address where,
                                               std::optional<blob::properties>& existing, until u) {
    staged_blocks out;
    const bool exists = existing && existing->type == blob::blob_type::block;
    auto listed = co_await client.get_block_list(where, exists, true, u);
    if (!listed) {
        // Nothing there, or a blob without blocks: everything is sent.
        const auto why = listed.error().kind();
        if (why == kind::not_found || why == kind::conflict) co_return out;
        co_return listed.error();
    }
    ACT_CO_TRY_VOID(co_await clear_foreign_blocks(client, where, existing, *listed, u));
    for (auto& block : listed->committed) {
        out.committed.push_back(block.id);
        out.present.insert(std::move(block.id));
    }
    for (auto& block : listed->uncommitted) out.present.insert(std::move(block.id));
    co_return out;
}

}  // namespace act::ops
