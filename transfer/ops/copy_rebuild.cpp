// Append and page blobs through this machine, for when the service does not copy them by itself.
#include "transfer/ops/blob_builder.hpp"
#include "transfer/ops/copy_blob.hpp"
#include "transfer/ops/page_parts.hpp"

namespace act::ops {

task<result<void>> blob_copy::rebuild(until u) {
    std::vector<plan::block_range> pieces;
    if (item_.source.type == blob::blob_type::page) {
        ACT_CO_TRY(pieces, co_await page_parts(run_.from.client, from_, item_.source, u));
    } else {
        if (item_.source.size > longest_append_blob) {
            co_return error(
                kind::unsupported,
                "append blob '" + from_.name + "' is longer than the 195 GiB that fit through here",
                "give a credential for the source that the destination's service can read with");
        }
        if (item_.source.size > 0) pieces = plan::split(item_.source.size, piece_size);
    }
    blob_builder draft(run_.to.client, to_, item_.source.type, item_.source.size, description());
    ACT_CO_TRY_VOID(co_await draft.begin(u));
    auto outcome = co_await fill(draft, pieces, u);
    if (outcome) {
        auto whole = co_await draft.finish({}, u);
        if (whole) {
            wrote(std::move(*whole));
        } else {
            outcome = whole.error();
        }
    }
    if (!outcome) co_await draft.take_back();
    co_return outcome;
}

task<result<void>> blob_copy::fill(blob_builder& draft, const std::vector<plan::block_range>& pieces,
                                   until u) {
    std::uint64_t moved = 0;
    if (!pieces.empty()) {
        ACT_CO_TRY(buffer memory,
                   co_await run_.op.context().buffers.take(blob_builder::memory_for(pieces), u));
        blob_builder::source read = [&, at = std::size_t()](
                                        std::span<std::byte> into,
                                        until patience) mutable -> task<result<plan::block_range>> {
            if (at == pieces.size()) co_return plan::block_range();
            const plan::block_range piece = pieces[at++];
            const auto place = into.first(static_cast<std::size_t>(piece.length));
            ACT_CO_TRY_VOID(co_await read_source(piece, {}, place, std::move(patience)));
            co_return piece;
        };
        auto count = [&](std::uint64_t bytes) {
            advance(bytes);
            moved += bytes;
        };
        ACT_CO_TRY_VOID(co_await draft.fill(std::move(memory), std::move(read), count, u));
    }
    advance(item_.source.size - moved);
    co_return result<void>();
}

}  // namespace act::ops
