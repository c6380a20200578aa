#include "tools/store/send.hpp"

#include <cstring>

#include "tools/store/keys.hpp"

namespace act::store {

namespace {
constexpr std::size_t tile = 256 * KiB;
}

result<int> content_reader::file_of(id i) {
    if (open_id_ != i) {
        ACT_TRY(open_, s_.files->open(i));
        open_id_ = i;
    }
    return open_.get();
}

result<void> content_reader::copy_small(const segment& seg, std::uint64_t skip, std::span<std::byte> into) {
    std::string_view bytes;
    for (const auto& [piece, text] : reply_.small) {
        if (piece == seg.piece) bytes = text;
    }
    if (reply_.view) {
        bytes = reply_.view->get(table::pieces, number_key(seg.piece).view()).value_or(std::string_view());
    }
    if (seg.offset + skip + into.size() > bytes.size()) {
        return error(kind::io, "the store's index lacks bytes of a blob");
    }
    std::memcpy(into.data(), bytes.data() + seg.offset + skip, into.size());
    return {};
}

result<std::size_t> content_reader::read(std::span<std::byte> into) {
    std::size_t filled = 0;
    while (filled < into.size() && !done()) {
        const segment& seg = reply_.content[at_];
        const std::size_t n = std::min<std::uint64_t>(into.size() - filled, seg.length - skip_);
        const auto part = into.subspan(filled, n);
        if (seg.piece == 0) {
            std::memset(part.data(), 0, n);
        } else if (is_file(seg.piece)) {
            ACT_TRY(const int fd, file_of(seg.piece));
            const std::string path = s_.files->path(seg.piece);
            ACT_TRY(const std::size_t got, file::read_at(fd, part, seg.offset + skip_, path));
            if (got < n) return error(kind::io, path + " is shorter than the index says");
        } else {
            ACT_TRY_VOID(copy_small(seg, skip_, part));
        }
        filled += n;
        skip_ += n;
        if (skip_ == seg.length) {
            ++at_;
            skip_ = 0;
        }
    }
    return filled;
}

result<content_reader::stretch> content_reader::next_file() {
    if (done() || !is_file(reply_.content[at_].piece)) return stretch();
    const segment& seg = reply_.content[at_];
    ACT_TRY(const int fd, file_of(seg.piece));
    const stretch out{fd, seg.offset + skip_, seg.length - skip_};
    ++at_;
    skip_ = 0;
    return out;
}

task<result<checksum_pair>> checksums(service& s, const reply& r, bool with_md5) {
    auto taken =
        co_await s.memory.take(std::min<std::uint64_t>(tile, std::max<std::uint64_t>(r.length, 1)), s.ends());
    if (!taken) co_return taken.error();
    content_reader from(s, r);
    checksum_pair out;
    codec::digest md5(codec::digest::algorithm::md5);
    while (!from.done()) {
        ACT_CO_TRY(const std::size_t n, from.read(taken->span()));
        const auto bytes = taken->span().first(n);
        out.crc64 = codec::crc64(out.crc64, bytes);
        if (with_md5) md5.update(bytes);
    }
    if (with_md5) out.md5 = md5.finish();
    co_return out;
}

namespace {

// Several stretches: each file by itself, what lies between them gathered in a buffer.
task<result<void>> send_stretches(service& s, http::server_exchange& x, reply& r) {
    content_reader from(s, r);
    ACT_CO_TRY_VOID(co_await x.begin(r.status, r.headers, r.length, s.ends()));
    buffer gathered;
    while (!from.done()) {
        ACT_CO_TRY(const auto stretch, from.next_file());
        if (stretch.fd >= 0) {
            ACT_CO_TRY_VOID(
                co_await x.write(http::body::file(stretch.fd, stretch.offset, stretch.length), s.ends()));
            continue;
        }
        if (!gathered) {
            auto taken = co_await s.memory.take(tile, s.ends());
            if (!taken) co_return taken.error();
            gathered = std::move(*taken);
        }
        ACT_CO_TRY(const std::size_t n, from.read(gathered.span()));
        ACT_CO_TRY_VOID(co_await x.write(http::body::memory(gathered.span().first(n)), s.ends()));
    }
    co_return co_await x.finish(s.ends());
}

}  // namespace

task<result<void>> send(service& s, http::server_exchange& x, reply& r, bool head_only) {
    if (head_only) co_return co_await x.respond(r.status, r.headers, http::body::none(), s.ends());
    if (r.length == 0) {
        s.stats.bytes_sent.fetch_add(r.text.size(), std::memory_order_relaxed);
        co_return co_await x.respond(r.status, r.headers, http::body::text(r.text), s.ends());
    }
    s.stats.bytes_sent.fetch_add(r.length, std::memory_order_relaxed);
    if (r.content.size() == 1 && r.content[0].piece != 0) {
        const segment& seg = r.content[0];
        if (is_file(seg.piece)) {
            auto fd = s.files->open(seg.piece);
            if (!fd) co_return fd.error();
            co_return co_await x.respond(r.status, r.headers,
                                         http::body::file(fd->get(), seg.offset, seg.length), s.ends());
        }
        if (r.small.size() == 1 && seg.offset + seg.length <= r.small[0].second.size()) {
            const std::string_view bytes(r.small[0].second);
            co_return co_await x.respond(r.status, r.headers,
                                         http::body::text(bytes.substr(seg.offset, seg.length)), s.ends());
        }
    }
    co_return co_await send_stretches(s, x, r);
}

task<result<void>> send_half(service& s, http::server_exchange& x, reply& r) {
    const std::uint64_t whole = r.length == 0 ? r.text.size() : r.length;
    if (whole == 0) co_return co_await send(s, x, r, false);
    ACT_CO_TRY_VOID(co_await x.begin(r.status, r.headers, whole, s.ends()));
    if (r.length == 0) {
        const auto half = http::body::text(std::string_view(r.text).substr(0, whole / 2));
        ACT_CO_TRY_VOID(co_await x.write(half, s.ends()));
    } else {
        auto taken = co_await s.memory.take(tile, s.ends());
        if (!taken) co_return taken.error();
        content_reader from(s, r);
        for (std::uint64_t left = whole / 2; left != 0;) {
            const auto room = taken->span().first(std::min<std::uint64_t>(taken->size(), left));
            ACT_CO_TRY(const std::size_t n, from.read(room));
            ACT_CO_TRY_VOID(co_await x.write(http::body::memory(room.first(n)), s.ends()));
            left -= n;
        }
    }
    x.hang_up();
    co_return result<void>();
}

}  // namespace act::store
