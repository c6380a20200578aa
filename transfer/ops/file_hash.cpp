#include "transfer/ops/file_hash.hpp"

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "transfer/ops/hash_range.hpp"

namespace act::ops {

using plan::content_hash;

task<result<std::string>> file_hash(context& with, std::string path, std::uint64_t size, content_hash wanted,
                                    until u) {
    ACT_CO_TRY(const file::descriptor fd, file::open_read(path));
    if (wanted.form == content_hash::form::md5) {
        auto read = [&] { return md5_of(fd.get(), size, path, u); };
        ACT_CO_TRY(const std::string md5, co_await with.runtime.blocking(read));
        co_return plan::md5_hash(md5);
    }
    const std::uint64_t length = wanted.form == content_hash::form::blocks ? wanted.block : size;
    if (size / std::max<std::uint64_t>(1, length) > blob::max_blocks) co_return std::string();
    std::vector<plan::block_id> blocks;
    std::uint64_t crc = 0;
    for (std::uint64_t at = 0; at < size || blocks.empty(); at += length) {
        const plan::block_range range{at, std::min(length, size - at)};
        ACT_CO_TRY(const range_hashes h,
                   co_await hash_range(with.runtime, with.buffers, fd.get(), range, path, u));
        blocks.push_back(
            {static_cast<std::uint32_t>(blocks.size()), static_cast<std::uint32_t>(range.length), h.content});
        crc = h.crc64;  // used where there is but one range
    }
    if (wanted.form == content_hash::form::crc64) co_return plan::crc64_hash(crc);
    if (wanted.form == content_hash::form::whole) co_return plan::whole_hash(blocks.front().hash);
    co_return plan::blocks_hash(blocks);
}

std::string memory_hash(std::span<const std::byte> bytes, const content_hash& wanted) {
    switch (wanted.form) {
        case content_hash::form::whole:
            return plan::whole_hash(codec::xxh3_of(bytes));
        case content_hash::form::md5:
            return plan::md5_hash(codec::base64_encode(codec::as_bytes(codec::md5_of(bytes))));
        case content_hash::form::crc64:
            return plan::crc64_hash(codec::crc64(0, bytes));
        case content_hash::form::blocks:
            break;
    }
    return {};
}

}  // namespace act::ops
