#include <algorithm>

#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"
#include "transfer/ops/blob_part.hpp"
#include "transfer/ops/compare.hpp"
#include "transfer/ops/hash_range.hpp"
#include "transfer/plan/attributes.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {

namespace {

using verdict = std::optional<bool>;

task<result<std::optional<std::vector<plan::block_id>>>> layout_of(operation& op, const tree_end& end,
                                                                   const side_item& item) {
    const blob::address where{end.there->container, item.blob->name};
    return own_blocks(end.there->client, where, *item.blob, op.patience());
}

std::string path_of(const tree_end& end, const side_item& item) {
    return item.name.empty() ? end.local : end.local + '/' + item.name;
}

bool is_link(const side_item& item) {
    return item.blob ? plan::is_link(*item.blob) : item.local && item.local->type == file::type::symlink;
}

task<result<verdict>> file_and_blob(operation& op, const tree_end& here, const side_item& file,
                                    const tree_end& there, const side_item& blob) {
    const std::string path = path_of(here, file);
    auto& context = op.context();
    const until u = op.patience();
    if (file.size == 0) co_return verdict(true);
    if (is_link(file)) {
        if (blob.blob->content.md5.empty()) co_return verdict();
        const auto ours = codec::md5_of(codec::as_bytes(file.link_target));
        co_return verdict(codec::base64_encode(codec::as_bytes(ours)) == blob.blob->content.md5);
    }
    ACT_CO_TRY(auto layout, co_await layout_of(op, there, blob));
    if (!layout && blob.blob->content.md5.empty()) co_return verdict();
    ACT_CO_TRY(const file::descriptor fd, file::open_read(path));
    if (!layout) {
        auto hash = [&] { return md5_of(fd.get(), file.size, path, u); };
        ACT_CO_TRY(const std::string md5, co_await context.runtime.blocking(hash));
        co_return verdict(md5 == blob.blob->content.md5);
    }
    std::uint64_t at = 0;
    for (const auto& block : *layout) {
        ACT_CO_TRY(const range_hashes ours, co_await hash_range(context.runtime, context.buffers, fd.get(),
                                                                {at, block.length}, path, u));
        if (ours.content != block.hash) co_return verdict(false);
        at += block.length;
    }
    co_return verdict(true);
}

task<result<verdict>> two_blobs(operation& op, const tree_end& source, const side_item& a,
                                const tree_end& destination, const side_item& b) {
    if (!a.blob->content.md5.empty() && !b.blob->content.md5.empty()) {
        co_return verdict(a.blob->content.md5 == b.blob->content.md5);
    }
    ACT_CO_TRY(auto ours, co_await layout_of(op, source, a));
    ACT_CO_TRY(auto theirs, co_await layout_of(op, destination, b));
    if (!ours || !theirs) co_return verdict();
    // Cut at other places, hashes tell nothing.
    const bool same_cuts = std::equal(ours->begin(), ours->end(), theirs->begin(), theirs->end(),
                                      [](const auto& x, const auto& y) { return x.length == y.length; });
    if (!same_cuts) co_return verdict();
    co_return verdict(*ours == *theirs);
}

/// Blocks.
result<verdict> two_files(const std::string& a, const std::string& b, std::uint64_t size, const until& u) {
    ACT_TRY(const file::descriptor left, file::open_read(a));
    ACT_TRY(const file::descriptor right, file::open_read(b));
    std::vector<std::byte> x(256 * KiB), y(256 * KiB);
    for (std::uint64_t at = 0; at < size;) {
        ACT_TRY_VOID(u.check());
        ACT_TRY(const std::size_t m, file::read_at(left.get(), x, at, a));
        ACT_TRY(const std::size_t n, file::read_at(right.get(), y, at, b));
        if (m != n || !std::equal(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(m), y.begin())) {
            return verdict(false);
        }
        if (m == 0) break;
        at += m;
    }
    return verdict(true);
}

}  // namespace

task<result<std::optional<bool>>> same_content(operation& op, const tree_end& source, const side_item& a,
                                               const tree_end& destination, const side_item& b) {
    if (a.size != b.size || is_link(a) != is_link(b)) co_return verdict(false);
    for (const side_item* end : {&a, &b}) {
        if (end->blob && !plan::is_whole(*end->blob)) co_return verdict(false);
    }
    if (a.blob && b.blob) co_return co_await two_blobs(op, source, a, destination, b);
    if (a.blob) co_return co_await file_and_blob(op, destination, b, source, a);
    if (b.blob) co_return co_await file_and_blob(op, source, a, destination, b);
    if (is_link(a)) co_return verdict(a.link_target == b.link_target);
    const std::string left = path_of(source, a), right = path_of(destination, b);
    auto compare = [&] { return two_files(left, right, a.size, op.patience()); };
    co_return co_await op.context().runtime.blocking(compare);
}

}  // namespace act::ops
