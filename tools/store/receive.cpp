#include "tools/store/receive.hpp"

#include <cerrno>
#include <unistd.h>

#include "engine/codec/base64.hpp"

namespace act::store {

namespace {

constexpr std::size_t tile = 256 * KiB;
// Larger bodies fill larger tiles: fewer calls into the file system.
constexpr std::size_t large_tile = MiB;
constexpr std::uint64_t large_body = 4 * MiB;

std::string crc64_raw(std::uint64_t crc) {
    std::string raw(8, '\0');
    for (unsigned i = 0; i < 8; ++i) raw[i] = static_cast<char>(crc >> (8 * i));
    return raw;
}

}  // namespace

void received::place(writer& w) const {
    if (size == 0) return;
    if (is_file(piece)) {
        add_file_piece(w, piece);
    } else {
        add_small_piece(w, piece, {reinterpret_cast<const char*>(small.data()), size});
    }
}

receiver::receiver(service& s, std::uint64_t size, bool with_md5) : s_(s) {
    out_.size = size;
    if (with_md5) md5_.emplace(codec::digest::algorithm::md5);
}

task<result<void>> receiver::open() {
    if (out_.size == 0) co_return result<void>();
    if (out_.size <= small_piece) {
        out_.piece = s_.files->next_id();
    } else {
        ACT_CO_TRY(out_.file, s_.files->create());
        out_.piece = out_.file.id();
    }
    const std::size_t room = out_.size > large_body ? large_tile : tile;
    auto taken = co_await s_.memory.take(std::min<std::uint64_t>(out_.size, room), s_.ends());
    if (!taken) co_return taken.error();
    tile_ = std::move(*taken);
    co_return result<void>();
}

std::span<std::byte> receiver::room() {
    return tile_.span().first(std::min<std::uint64_t>(tile_.size(), out_.size - taken_));
}

result<void> receiver::filled() {
    const auto bytes = room();
    out_.crc64 = codec::crc64(out_.crc64, bytes);
    if (md5_) md5_->update(bytes);
    if (out_.file) {
        ACT_TRY_VOID(file::write_at(out_.file.fd(), bytes, taken_, s_.files->path(out_.piece)));
    }
    taken_ += bytes.size();
    return {};
}

task<result<received>> receiver::finish() {
    if (md5_) out_.md5 = md5_->finish();
    if (out_.file && s_.options.sync) {
        const int fd = out_.file.fd();
        auto write_through = [fd] { return ::fdatasync(fd) == 0 ? 0 : errno; };
        if (const int failed = co_await s_.run.blocking(write_through)) {
            co_return error::from_errno(failed, "cannot write " + s_.files->path(out_.piece));
        }
    }
    if (out_.file) {
        tile_ = buffer();
    } else {
        out_.small = std::move(tile_);
    }
    co_return std::move(out_);
}

outcome<declared> declared::of(const call& c, const char* crc64_header, const char* md5_header) {
    declared d;
    const std::string_view crc = c.header(crc64_header), md5 = c.header(md5_header);
    if (!crc.empty() && !md5.empty()) return invalid_header(crc64_header, crc);
    if (!crc.empty()) {
        const auto raw = codec::base64_decode(crc);
        if (!raw || raw->size() != 8) return invalid_header(crc64_header, crc);
        std::uint64_t n = 0;
        for (unsigned i = 8; i-- > 0;) n = n << 8 | static_cast<unsigned char>((*raw)[i]);
        d.crc64 = n;
    }
    if (!md5.empty()) {
        auto raw = codec::base64_decode(md5);
        if (!raw || raw->size() != 16) return failure(codes::invalid_md5);
        d.md5 = std::move(*raw);
    }
    return d;
}

outcome<> declared::check(const received& body) const {
    if (!md5.empty() && md5 != body.md5) {
        return failure(codes::md5_mismatch)
            .with("UserSpecifiedMd5", codec::base64_encode(codec::as_bytes(md5)))
            .with("ServerCalculatedMd5", codec::base64_encode(codec::as_bytes(body.md5)));
    }
    if (crc64 && *crc64 != body.crc64) {
        return failure(codes::crc64_mismatch)
            .with("UserSpecifiedCrc", codec::base64_encode(codec::as_bytes(crc64_raw(*crc64))))
            .with("ServerCalculatedCrc", codec::base64_encode(codec::as_bytes(crc64_raw(body.crc64))));
    }
    return {};
}

task<outcome<received>> receive(service& s, call& c, http::server_exchange& x, std::uint64_t limit,
                                std::uint64_t md5_up_to) {
    if (!c.content_length) co_return failure(codes::length_required);
    const std::uint64_t size = *c.content_length;
    if (size > limit) co_return failure(codes::body_too_large).with("MaxLimit", std::to_string(limit));
    if (c.has_header("x-ms-structured-body")) {
        co_return failure(codes::unsupported_header).with("HeaderName", "x-ms-structured-body");
    }
    ACT_CO_TRY(const declared sums, declared::of(c, "x-ms-content-crc64", "Content-MD5"));
    const bool md5 = !sums.md5.empty() || (size <= md5_up_to);
    receiver into(s, size, md5);
    if (auto opened = co_await into.open(); !opened) co_return from_error(opened.error());
    while (!into.done()) {
        const auto room = into.room();
        auto got = co_await x.read(room, s.ends());
        if (!got || *got < room.size()) co_return failure(codes::incomplete_body);
        if (auto written = into.filled(); !written) co_return from_error(written.error());
    }
    auto body = co_await into.finish();
    if (!body) co_return from_error(body.error());
    s.stats.bytes_received.fetch_add(size, std::memory_order_relaxed);
    ACT_CO_TRY_VOID(sums.check(*body));
    co_return std::move(*body);
}

void add_checksum(http::fields& f, const call& c, const received& body) {
    if (c.has_header("Content-MD5")) {
        f.add("Content-MD5", codec::base64_encode(codec::as_bytes(body.md5)));
    } else {
        f.add("x-ms-content-crc64", codec::crc64_header(body.crc64));
    }
}

}  // namespace act::store
