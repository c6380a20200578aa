// CRC-64 by carry-less multiplication, after V. Gopal et al., "Fast CRC Computation for Generic Polynomials
// Using PCLMULQDQ Instruction" (Intel, 2009).
//
// A 128-bit register holds the polynomial low * x^64 + high (reflected: the low word comes first in the
// message). To move it up by d bits, low is multiplied by x^(d+63) and high by x^(d-1), both modulo P: a
// reflected product of two 64-bit words in 128 bits carries one factor x of its own. The last register and
// the tail go through the tables.

#include <immintrin.h>

#include "engine/codec/crc64_poly.hpp"
#include "engine/codec/hash.hpp"

#define ACT_TARGET_PCLMUL __attribute__((target("pclmul,sse4.1")))
#define ACT_TARGET_VPCLMUL __attribute__((target("pclmul,sse4.1,avx512f,vpclmulqdq")))

namespace act::codec {

namespace {

/// The two factors that move a register up by `Bits`.
template <std::uint64_t Bits>
struct shift {
    static constexpr std::uint64_t low = crc64_poly::power(Bits + 63);
    static constexpr std::uint64_t high = crc64_poly::power(Bits - 1);
};

template <std::uint64_t Bits>
ACT_TARGET_PCLMUL inline __m128i move_up(__m128i value) {
    const __m128i factors =
        _mm_set_epi64x(static_cast<long long>(shift<Bits>::high), static_cast<long long>(shift<Bits>::low));
    return _mm_xor_si128(_mm_clmulepi64_si128(value, factors, 0x00),
                         _mm_clmulepi64_si128(value, factors, 0x11));
}

ACT_TARGET_PCLMUL inline __m128i load(const std::byte* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

/// Folds whole registers into `value`, then ends with the tables.
ACT_TARGET_PCLMUL std::uint64_t finish(__m128i value, const std::byte* p, std::size_t left) {
    for (; left >= 16; p += 16, left -= 16) value = _mm_xor_si128(move_up<128>(value), load(p));
    alignas(16) std::byte last[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(last), value);
    // ~0: the tables' own inversion at the start must not count here.
    const std::uint64_t crc = crc64_portable(~std::uint64_t{0}, last);
    return crc64_portable(crc, {p, left});
}

template <std::uint64_t Bits>
ACT_TARGET_VPCLMUL inline __m512i move_up_and_add(__m512i value, __m512i add) {
    const __m512i factors = _mm512_broadcast_i32x4(
        _mm_set_epi64x(static_cast<long long>(shift<Bits>::high), static_cast<long long>(shift<Bits>::low)));
    constexpr int exclusive_or_of_three = 0x96;
    return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(value, factors, 0x00),
                                     _mm512_clmulepi64_epi128(value, factors, 0x11), add,
                                     exclusive_or_of_three);
}

ACT_TARGET_VPCLMUL inline __m512i load_wide(const std::byte* p) { return _mm512_loadu_si512(p); }

}  // namespace

ACT_TARGET_PCLMUL std::uint64_t crc64_pclmul(std::uint64_t crc, bytes_view data) {
    const std::byte* p = data.data();
    std::size_t left = data.size();
    if (left < 32) return crc64_portable(crc, data);
    const __m128i start = _mm_set_epi64x(0, static_cast<long long>(~crc));
    if (left < 128) return finish(_mm_xor_si128(load(p), start), p + 16, left - 16);

    __m128i a = _mm_xor_si128(load(p), start), b = load(p + 16), c = load(p + 32), d = load(p + 48);
    for (p += 64, left -= 64; left >= 64; p += 64, left -= 64) {
        a = _mm_xor_si128(move_up<512>(a), load(p));
        b = _mm_xor_si128(move_up<512>(b), load(p + 16));
        c = _mm_xor_si128(move_up<512>(c), load(p + 32));
        d = _mm_xor_si128(move_up<512>(d), load(p + 48));
    }
    b = _mm_xor_si128(b, move_up<128>(a));
    c = _mm_xor_si128(c, move_up<128>(b));
    d = _mm_xor_si128(d, move_up<128>(c));
    return finish(d, p, left);
}

ACT_TARGET_VPCLMUL std::uint64_t crc64_vpclmul(std::uint64_t crc, bytes_view data) {
    const std::byte* p = data.data();
    std::size_t left = data.size();
    if (left < 256) return crc64_pclmul(crc, data);

    const __m512i start = _mm512_zextsi128_si512(_mm_set_epi64x(0, static_cast<long long>(~crc)));
    __m512i a = _mm512_xor_si512(load_wide(p), start);
    __m512i b = load_wide(p + 64), c = load_wide(p + 128), d = load_wide(p + 192);
    for (p += 256, left -= 256; left >= 256; p += 256, left -= 256) {
        a = move_up_and_add<2048>(a, load_wide(p));
        b = move_up_and_add<2048>(b, load_wide(p + 64));
        c = move_up_and_add<2048>(c, load_wide(p + 128));
        d = move_up_and_add<2048>(d, load_wide(p + 192));
    }
    b = move_up_and_add<512>(a, b);
    c = move_up_and_add<512>(b, c);
    d = move_up_and_add<512>(c, d);
    for (; left >= 64; p += 64, left -= 64) d = move_up_and_add<512>(d, load_wide(p));

    // The four lanes, the first of them earliest in the message.
    const __m128i folded = _mm_xor_si128(
        _mm_xor_si128(move_up<384>(_mm512_extracti32x4_epi32(d, 0)),
                      move_up<256>(_mm512_extracti32x4_epi32(d, 1))),
        _mm_xor_si128(move_up<128>(_mm512_extracti32x4_epi32(d, 2)), _mm512_extracti32x4_epi32(d, 3)));
    return finish(folded, p, left);
}

}  // namespace act::codec
