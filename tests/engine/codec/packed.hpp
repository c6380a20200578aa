#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/codec/deflate.hpp"

/// The compressed forms that HTTP knows, made without the code that reads them.
namespace act::codec::test {

inline std::string raw_deflate(std::string_view plain) {
    std::vector<std::byte> out;
    deflater(6).compress(as_bytes(plain), out);
    return std::string(reinterpret_cast<const char*>(out.data()), out.size());
}

inline std::string number(std::uint32_t value, bool big_endian) {
    std::string out(4, '\0');
    for (std::size_t i = 0; i < 4; ++i)
        out[big_endian ? 3 - i : i] = static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}

/// One member (RFC 1952).
inline std::string gzip(std::string_view plain) {
    const auto size = static_cast<std::uint32_t>(plain.size());
    return std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + raw_deflate(plain) +
           number(crc32(0, as_bytes(plain)), false) + number(size, false);
}

/// RFC 1950.
inline std::string zlib(std::string_view plain) {
    std::uint32_t a = 1, b = 0;
    for (const char c : plain) {
        a = (a + static_cast<unsigned char>(c)) % 65521;
        b = (b + a) % 65521;
    }
    return std::string("\x78\x9c") + raw_deflate(plain) + number(b << 16 | a, true);
}

}  // namespace act::codec::test
