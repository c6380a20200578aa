#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The records of a zip archive (APPNOTE 4.3), all little-endian.
namespace act::codec::zip_format {

inline constexpr std::uint32_t local_signature = 0x04034b50;
inline constexpr std::uint32_t central_signature = 0x02014b50;
inline constexpr std::uint32_t end_signature = 0x06054b50;
inline constexpr std::uint32_t end64_signature = 0x06064b50;
inline constexpr std::uint32_t locator64_signature = 0x07064b50;

inline constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56,
                             locator64_size = 20;

inline constexpr std::uint16_t flag_encrypted = 1 << 0, flag_utf8 = 1 << 11;
inline constexpr std::uint16_t method_stored = 0, method_deflated = 8;
inline constexpr std::uint16_t extra_zip64 = 1;
inline constexpr std::uint16_t made_by_unix = 3 << 8, version_plain = 20, version_zip64 = 45;
/// 1980-01-01, the earliest date a zip can hold.
inline constexpr std::uint16_t fixed_date = 0x0021, fixed_time = 0;
/// Fields of this value are found in the zip64 records.
inline constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;
inline constexpr std::uint16_t count_in_zip64 = 0xFFFF;

/// Puts numbers at the end of a byte string.
class encoder {
public:
    explicit encoder(std::string& out) : out_(out) {}
    encoder& u16(std::uint64_t v) { return number(v, 2); }
    encoder& u32(std::uint64_t v) { return number(v, 4); }
    encoder& u64(std::uint64_t v) { return number(v, 8); }

private:
    encoder& number(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i) & 0xFF);
        return *this;
    }
    std::string& out_;
};

/// Takes numbers from the front of bytes. Reading past the end gives zeros and makes ok() false.
class decoder {
public:
    explicit decoder(std::span<const std::byte> in) : rest_(in) {}
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::span<const std::byte> bytes(std::size_t count) {
        if (count > rest_.size()) {
            ok_ = false;
            return {};
        }
        const auto front = rest_.first(count);
        rest_ = rest_.subspan(count);
        return front;
    }
    void skip(std::size_t count) { bytes(count); }
    std::size_t left() const { return rest_.size(); }
    bool ok() const { return ok_; }

private:
    std::uint64_t number(std::size_t count) {
        std::uint64_t value = 0;
        const auto raw = bytes(count);
        for (std::size_t i = 0; i < raw.size(); ++i)
            value |= std::to_integer<std::uint64_t>(raw[i]) << (8 * i);
        return value;
    }
    std::span<const std::byte> rest_;
    bool ok_ = true;
};

/// Why an entry of this name and mode has no place in an archive; empty when it has.
std::string_view objection(std::string_view name, std::uint32_t mode);

}  // namespace act::codec::zip_format
