#pragma once

#include <array>
#include <cstdint>

/// Arithmetic on polynomials over GF(2) modulo the CRC-64/NVME polynomial, for building tables and constants
/// at compile time. Bit-reflected, as the checksum itself: bit 63 of a word is the coefficient of x^0.
namespace act::codec::crc64_poly {

inline constexpr std::uint64_t polynomial = 0x9A6C9329AC4BC9B5;
inline constexpr std::uint64_t one = std::uint64_t{1} << 63;

constexpr std::uint64_t times_x(std::uint64_t a) { return (a >> 1) ^ ((a & 1) ? polynomial : 0); }

constexpr std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    for (std::uint64_t bit = one; bit != 0; bit >>= 1) {
        if (b & bit) product ^= a;
        a = times_x(a);
    }
    return product;
}

/// Entry k is x^(2^k).
inline constexpr auto squares = [] {
    std::array<std::uint64_t, 67> table{};
    table[0] = times_x(one);
    for (std::size_t k = 1; k < table.size(); ++k) table[k] = multiply(table[k - 1], table[k - 1]);
    return table;
}();

/// x^(n * 2^shift).
constexpr std::uint64_t power(std::uint64_t n, unsigned shift = 0) {
    std::uint64_t result = one;
    for (unsigned k = shift; n != 0; n >>= 1, ++k) {
        if (n & 1) result = multiply(result, squares[k]);
    }
    return result;
}

}  // namespace act::codec::crc64_poly
