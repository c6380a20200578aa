#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace act::store {

/// Big-endian, so that byte order is the order of the numbers.
inline void write_number(char* to, std::uint64_t n) {
    n = __builtin_bswap64(n);
    std::memcpy(to, &n, 8);
}

inline std::uint64_t read_number(std::string_view s) {
    std::uint64_t n = 0;
    if (s.size() >= 8) std::memcpy(&n, s.data(), 8);
    return __builtin_bswap64(n);
}

/// A key of the index, built in place. LMDB takes up to 511 bytes.
class key {
public:
    static constexpr std::size_t capacity = 511;

    key& add(std::uint64_t n) {
        write_number(bytes_ + size_, n);
        size_ += 8;
        return *this;
    }
    /// As much of `s` as there is room for, at most `most`.
    key& add(std::string_view s, std::size_t most = capacity) {
        const std::size_t n = std::min({s.size(), most, capacity - size_});
        if (n > 0) std::memcpy(bytes_ + size_, s.data(), n);
        size_ += n;
        return *this;
    }
    std::string_view view() const { return {bytes_, size_}; }

private:
    char bytes_[capacity];
    std::size_t size_ = 0;
};

inline key number_key(std::uint64_t n) { return key().add(n); }

}  // namespace act::store
