#include "transfer/ops/hash_range.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/uio.h>

#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "transfer/ops/content_md5.hpp"

namespace act::ops {

namespace {

// 64 to 256 KiB are equally good (measured-limits, section 5); the larger has fewer system calls.
constexpr std::size_t tile_size = 256 * KiB;

struct hasher {
    codec::xxh3 content;
    std::uint64_t crc = 0;
    std::uint64_t at = 0;

    void update(std::span<const std::byte> tile) {
        content.update(tile);
        crc = codec::crc64(crc, tile);
        at += tile.size();
    }
};

enum class cached { yes, no };

/// Hashes as long as the page cache has the bytes. `no`: the rest must come from the disk.
result<cached> hash_cached(hasher& h, int fd, plan::block_range r, std::span<std::byte> tile,
                           const std::string& path, const until& u) {
    while (h.at < r.length) {
        ACT_TRY_VOID(u.check());
        const std::size_t want = std::min<std::uint64_t>(tile.size(), r.length - h.at);
        iovec piece{tile.data(), want};
        const ssize_t got = ::preadv2(fd, &piece, 1, static_cast<off_t>(r.offset + h.at), RWF_NOWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS)) return cached::no;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return error::from_errno(errno, "cannot read " + path);
        if (got == 0)
            return error(kind::io, path + " became shorter while it was read", "run the same command again");
        h.update(tile.first(static_cast<std::size_t>(got)));
    }
    return cached::yes;
}

result<void> hash_rest(hasher& h, int fd, plan::block_range r, std::span<std::byte> tile,
                       const std::string& path, const until& u) {
    while (h.at < r.length) {
        ACT_TRY_VOID(u.check());
        const std::size_t want = std::min<std::uint64_t>(tile.size(), r.length - h.at);
        ACT_TRY(const std::size_t got, file::read_at(fd, tile.first(want), r.offset + h.at, path));
        if (got < want)
            return error(kind::io, path + " became shorter while it was read", "run the same command again");
        h.update(tile.first(got));
    }
    return {};
}

}  // namespace

task<result<range_hashes>> hash_range(runtime& rt, buffer_pool& buffers, int fd, plan::block_range range,
                                      std::string path, until u) {
    ACT_CO_TRY(buffer tile, co_await buffers.take(tile_size, u));
    hasher h;
    ACT_CO_TRY(const cached all, hash_cached(h, fd, range, tile.span(), path, u));
    if (all == cached::no) {
        auto read = [&] { return hash_rest(h, fd, range, tile.span(), path, u); };
        ACT_CO_TRY_VOID(co_await rt.blocking(read));
    }
    co_return range_hashes{h.content.digest(), h.crc};
}

result<std::string> md5_of(int fd, std::uint64_t size, const std::string& path, const until& u) {
    codec::digest md5(codec::digest::algorithm::md5);
    std::vector<std::byte> tile(256 * KiB);
    for (std::uint64_t at = 0; at < size;) {
        ACT_TRY_VOID(u.check());
        const std::size_t want = std::min<std::uint64_t>(tile.size(), size - at);
        ACT_TRY(const std::size_t got, file::read_at(fd, std::span(tile).first(want), at, path));
        if (got == 0) return error(kind::io, path + " became shorter while it was read");
        md5.update(std::span<const std::byte>(tile).first(got));
        at += got;
    }
    return md5_header(md5);
}

}  // namespace act::ops
