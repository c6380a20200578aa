#include "transfer/ops/blob_part.hpp"

#include <algorithm>

#include "engine/core/units.hpp"
#include "engine/http/hedge.hpp"

namespace act::ops {

namespace {

// Hashed while it is still in the cache.
constexpr std::size_t tile_size = 256 * KiB;

}  // namespace

task<result<std::optional<std::vector<plan::block_id>>>> own_blocks(blob::client& client, blob::address where,
                                                                    const blob::properties& info, until u) {
    using blocks = std::optional<std::vector<plan::block_id>>;
    if (info.type != blob::blob_type::block) co_return blocks();
    auto listed = co_await client.get_block_list(where, true, false, u);
    // An append or page blob that nobody has looked at has no blocks.
    const bool none =
        !listed && (listed.error().kind() == kind::unsupported || listed.error().code() == "InvalidBlobType");
    if (none) co_return blocks();
    if (!listed) co_return listed.error();
    co_return plan::own_layout(listed->committed, info.size);
}

task<result<blob::download>> open_part(blob::client& client, blob::address where, blob::etag seen,
                                       plan::block_range part, until u) {
    const blob::range range{part.offset, part.length};
    auto opened = co_await client.get(where, range, blob::conditions::matching(seen), u);
    if (!opened) {
        if (opened.error().kind() != kind::precondition) co_return opened.error();
        co_return error(kind::precondition, "blob '" + where.name + "' was changed while it was downloaded",
                        "run the same command again");
    }
    if (opened->length != part.length) {
        co_return error(kind::protocol,
                        "the service sent another range of '" + where.name + "' than asked for");
    }
    co_return std::move(*opened);
}

task<result<void>> read_part(blob::client& client, blob::address where, blob::etag seen, blob_part part,
                             std::span<std::byte> into, until u) {
    ACT_CO_TRY(blob::download d, co_await open_part(client, where, std::move(seen), part.range, u));
    if (!part.hash) co_return co_await client.read_verified(d, into, u);
    codec::xxh3 hash;
    for (std::size_t at = 0; at < into.size();) {
        const auto tile = into.subspan(at, std::min(tile_size, into.size() - at));
        ACT_CO_TRY(const std::size_t got, co_await d.body.read(tile, u));
        if (got < tile.size()) co_return ended_early(where);
        hash.update(tile);
        at += tile.size();
    }
    if (hash.digest() != *part.hash) co_return block_differs(where);
    co_return result<void>();
}

task<result<void>> read_part(blob::client& client, buffer_pool& buffers, blob::address where, blob::etag seen,
                             blob_part part, buffer& into, until u) {
    buffer other;
    auto first = [&](until w) { return read_part(client, where, seen, part, into.span(), std::move(w)); };
    auto again = [&](until w) -> task<result<void>> {
        other = buffers.try_take(part.range.length);
        if (!other) co_return no_memory_to_spare();
        co_return co_await read_part(client, where, seen, part, other.span(), w);
    };
    bool by_second = false;
    auto outcome =
        co_await http::hedged(client.pipeline(), part.range.length, first, again, std::move(u), &by_second);
    if (by_second) into = std::move(other);
    co_return outcome;
}

error no_memory_to_spare() { return error(kind::stopped, "no memory to spare for a repetition"); }

error ended_early(const blob::address& where) {
    return error(kind::unavailable, "the service ended '" + where.name + "' early");
}

error block_differs(const blob::address& where) {
    return error(kind::integrity,
                 "a block of '" + where.name + "' differs from the hash it was uploaded with",
                 "run the same command again; if it stays, upload the file again");
}

}  // namespace act::ops
