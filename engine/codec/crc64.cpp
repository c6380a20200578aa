#include <array>
#include <bit>
#include <cstring>

#include "engine/codec/base64.hpp"
#include "engine/codec/crc64_poly.hpp"
#include "engine/codec/hash.hpp"

namespace act::codec {

static_assert(std::endian::native == std::endian::little);

namespace {

using table_set = std::array<std::array<std::uint64_t, 256>, 16>;

/// tables[k][b]: what byte b contributes when k more bytes follow it.
constexpr table_set tables = [] {
    table_set t{};
    for (std::uint64_t b = 0; b < 256; ++b) {
        std::uint64_t value = b;
        for (int bit = 0; bit < 8; ++bit) value = crc64_poly::times_x(value);
        t[0][b] = value;
    }
    for (std::size_t k = 1; k < t.size(); ++k) {
        for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xFF];
    }
    return t;
}();

std::uint64_t load(const std::byte* p) {
    std::uint64_t value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

/// The eight bytes of `word`, of which `Follow` more bytes of the same step come after the last.
template <std::size_t Follow>
std::uint64_t fold_word(std::uint64_t word) {
    return tables[Follow + 7][word & 0xFF] ^ tables[Follow + 6][(word >> 8) & 0xFF] ^
           tables[Follow + 5][(word >> 16) & 0xFF] ^ tables[Follow + 4][(word >> 24) & 0xFF] ^
           tables[Follow + 3][(word >> 32) & 0xFF] ^ tables[Follow + 2][(word >> 40) & 0xFF] ^
           tables[Follow + 1][(word >> 48) & 0xFF] ^ tables[Follow][word >> 56];
}

}  // namespace

std::uint64_t crc64_portable(std::uint64_t crc, bytes_view data) {
    crc = ~crc;
    const std::byte* p = data.data();
    std::size_t left = data.size();
    for (; left >= 16; p += 16, left -= 16) crc = fold_word<8>(load(p) ^ crc) ^ fold_word<0>(load(p + 8));
    for (; left > 0; ++p, --left) crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<std::uint64_t>(*p)) & 0xFF];
    return ~crc;
}

bool cpu_has_pclmul() { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"); }
bool cpu_has_vpclmul() {
    return cpu_has_pclmul() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
}

std::uint64_t crc64(std::uint64_t crc, bytes_view data) {
    using function = std::uint64_t (*)(std::uint64_t, bytes_view);
    static const function small = cpu_has_pclmul() ? crc64_pclmul : crc64_portable;
    static const function large = cpu_has_vpclmul() ? crc64_vpclmul : small;
    // Below this the wide form only pays for folding its lanes together.
    return (data.size() < 512 ? small : large)(crc, data);
}

std::uint64_t crc64_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b) {
    // The inversions before and after cancel: what remains is A's polynomial moved up by B's bits.
    return crc64_poly::multiply(a, crc64_poly::power(length_b, 3)) ^ b;
}

std::string crc64_header(std::uint64_t crc) { return base64_encode(std::as_bytes(std::span(&crc, 1))); }

}  // namespace act::codec
