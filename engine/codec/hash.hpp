#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// Checksums and hashes. All are incremental objects without allocation per update; feed tiles of 64-256 KiB.
namespace act::codec {

using bytes_view = std::span<const std::byte>;
inline bytes_view as_bytes(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

/// Azure Storage CRC64 (CRC-64/NVME; blob-rest.md section 15). VPCLMULQDQ, PCLMULQDQ or tables, chosen at run
/// time. `crc` is the value so far (0 for nothing).
std::uint64_t crc64(std::uint64_t crc, bytes_view);
/// The table form alone, for tests and machines without carry-less multiplication.
std::uint64_t crc64_portable(std::uint64_t crc, bytes_view);
std::uint64_t crc64_pclmul(std::uint64_t crc, bytes_view);   ///< only where cpu_has_pclmul()
std::uint64_t crc64_vpclmul(std::uint64_t crc, bytes_view);  ///< only where cpu_has_vpclmul()
bool cpu_has_pclmul();
bool cpu_has_vpclmul();
/// crc(A || B) from crc(A), crc(B) and the length of B.
std::uint64_t crc64_combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_b);
/// The header's form: base64 of the eight bytes, little-endian.
std::string crc64_header(std::uint64_t crc);

/// The CRC-32 of zip and gzip. `crc` is the value so far (0 for nothing).
std::uint32_t crc32(std::uint32_t crc, bytes_view);

struct hash128 {
    std::uint64_t low = 0, high = 0;
    friend bool operator==(const hash128&, const hash128&) = default;
    /// 16 bytes, high half first, big-endian (XXH's canonical form).
    std::array<std::byte, 16> bytes() const;
    static hash128 from_bytes(std::span<const std::byte, 16>);
    std::string hex() const;
};

/// XXH3-128, streaming.
class xxh3 {
public:
    xxh3();
    ~xxh3();
    xxh3(xxh3&&) noexcept;
    xxh3& operator=(xxh3&&) noexcept;
    void update(bytes_view);
    hash128 digest() const;
    void reset();

private:
    struct state;
    std::unique_ptr<state> state_;
};
hash128 xxh3_of(bytes_view);

/// MD5 and SHA-256, streaming; OpenSSL behind.
class digest {
public:
    enum class algorithm { md5, sha256 };
    explicit digest(algorithm);
    ~digest();
    digest(digest&&) noexcept;
    digest& operator=(digest&&) noexcept;
    void update(bytes_view);
    /// 16 or 32 raw bytes; the object is then ready for the next message.
    std::string finish();

private:
    struct state;
    std::unique_ptr<state> state_;
};
std::string md5_of(bytes_view);
std::string sha256_of(bytes_view);

/// HMAC-SHA256 with one key, many messages: EVP_MAC set up once, re-initialised without the key. One thread
/// at a time.
class hmac_sha256 {
public:
    explicit hmac_sha256(std::string_view raw_key);
    ~hmac_sha256();
    hmac_sha256(hmac_sha256&&) noexcept;
    hmac_sha256& operator=(hmac_sha256&&) noexcept;
    std::array<std::byte, 32> sign(std::string_view message);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace act::codec
