#include "engine/codec/inflate_stream.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <vector>

#define ZLIB_CONST
#include <zlib.h>

namespace act::codec {

namespace {

constexpr std::size_t output_tile = 256U << 10;
constexpr std::size_t longest_input = 1U << 30;  // zlib counts in 32 bits

error damaged() { return error(kind::integrity, "the compressed data is damaged"); }

/// The first two bytes of RFC 1950.
bool zlib_header(std::byte first, std::byte second) {
    const unsigned method = std::to_integer<unsigned>(first), rest = std::to_integer<unsigned>(second);
    return (method & 15) == 8 && method >> 4 <= 7 && (method << 8 | rest) % 31 == 0;
}

}  // namespace

struct inflate_stream::state {
    explicit state(inflate_stream::format f) : format(f), out(output_tile) { restart(); }
    ~state() {
        if (made) ::inflateEnd(&z);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    void restart() {
        at = place::inside;
        begun = false;
        undecided.reset();
        if (format != format::deflate) begin(format == format::raw ? -MAX_WBITS : MAX_WBITS + 16);
    }
    void begin(int window) {
        const int outcome = made ? ::inflateReset2(&z, window) : ::inflateInit2(&z, window);
        if (outcome != Z_OK) throw std::bad_alloc();
        made = true;
    }

    result<void> inflate(bytes_view in, const sink& to);
    result<bytes_view> behind_end(bytes_view in);

    inflate_stream::format format;
    std::vector<std::byte> out;
    z_stream z{};
    bool made = false;
    bool begun = false;  ///< any byte has come
    std::optional<std::byte> undecided;
    enum class place { inside, end, padding } at = place::inside;
};

/// What goes on behind the end of a stream, without the padding; empty when nothing does.
result<bytes_view> inflate_stream::state::behind_end(bytes_view in) {
    if (in.empty()) return in;
    if (format != format::gzip) return damaged();
    if (in.front() == std::byte(0)) at = place::padding;
    if (at == place::padding) {
        if (std::any_of(in.begin(), in.end(), [](std::byte b) { return b != std::byte(0); }))
            return damaged();
        return bytes_view();
    }
    at = place::inside;
    begin(MAX_WBITS + 16);
    return in;
}

result<void> inflate_stream::state::inflate(bytes_view in, const sink& to) {
    while (!in.empty()) {
        if (at != place::inside) {
            ACT_TRY(in, behind_end(in));
            if (in.empty()) return {};
        }
        z.next_in = reinterpret_cast<const Bytef*>(in.data());
        z.avail_in = static_cast<uInt>(in.size());
        for (int outcome = Z_OK; at == place::inside;) {
            z.next_out = reinterpret_cast<Bytef*>(out.data());
            z.avail_out = static_cast<uInt>(out.size());
            outcome = ::inflate(&z, Z_NO_FLUSH);
            if (outcome == Z_MEM_ERROR) throw std::bad_alloc();
            // Z_BUF_ERROR: all of the input is used up.
            if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) return damaged();
            const auto piece = bytes_view(out).first(out.size() - z.avail_out);
            if (!piece.empty()) ACT_TRY_VOID(to(piece));
            if (outcome == Z_STREAM_END) at = place::end;
            if (outcome == Z_BUF_ERROR || (z.avail_in == 0 && z.avail_out != 0)) break;
        }
        in = in.last(z.avail_in);
    }
    return {};
}

inflate_stream::inflate_stream(format f) : state_(std::make_unique<state>(f)) {}
inflate_stream::~inflate_stream() = default;
inflate_stream::inflate_stream(inflate_stream&&) noexcept = default;
inflate_stream& inflate_stream::operator=(inflate_stream&&) noexcept = default;

result<void> inflate_stream::feed(bytes_view in, const sink& to) {
    state& s = *state_;
    if (in.empty()) return {};
    if (s.format == format::deflate && !s.begun) {
        if (!s.undecided) {
            s.undecided = in.front();
            in = in.subspan(1);
            if (in.empty()) return {};
        }
        const std::byte first = *s.undecided;
        s.begin(zlib_header(first, in.front()) ? MAX_WBITS : -MAX_WBITS);
        s.begun = true;
        ACT_TRY_VOID(s.inflate(bytes_view(&first, 1), to));
    }
    s.begun = true;
    while (!in.empty()) {
        const auto piece = in.first(std::min(in.size(), longest_input));
        ACT_TRY_VOID(s.inflate(piece, to));
        in = in.subspan(piece.size());
    }
    return {};
}

result<void> inflate_stream::finish() const {
    if (state_->at == state::place::inside) return error(kind::integrity, "the compressed data ends early");
    return {};
}

void inflate_stream::restart() { state_->restart(); }

}  // namespace act::codec
