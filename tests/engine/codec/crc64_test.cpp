#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "engine/codec/crc64_poly.hpp"
#include "engine/codec/hash.hpp"
#include "random_bytes.hpp"

namespace {

using namespace act::codec;

using form = std::uint64_t (*)(std::uint64_t, bytes_view);

std::vector<std::pair<const char*, form>> forms() {
    std::vector<std::pair<const char*, form>> all = {{"dispatch", crc64}, {"portable", crc64_portable}};
    if (cpu_has_pclmul()) all.emplace_back("pclmul", crc64_pclmul);
    if (cpu_has_vpclmul()) all.emplace_back("vpclmul", crc64_vpclmul);
    return all;
}

/// Bit by bit from the definition, to hold the others against.
std::uint64_t crc64_by_definition(bytes_view data) {
    std::uint64_t crc = ~std::uint64_t{0};
    for (const std::byte b : data) {
        crc ^= std::to_integer<std::uint64_t>(b);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x9A6C9329AC4BC9B5 : 0);
    }
    return ~crc;
}

TEST(crc64, vectors_of_the_service) {
    std::vector<std::byte> all(256), zeros(1024);
    for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<std::byte>(i);
    for (const auto& [name, f] : forms()) {
        SCOPED_TRACE(name);
        EXPECT_EQ(f(0, as_bytes("")), 0U);
        EXPECT_EQ(f(0, as_bytes("a")), 0x8C2F8445B4CBFC3CU);
        EXPECT_EQ(f(0, as_bytes("abc")), 0x05E5CABB3FC1FAEBU);
        EXPECT_EQ(f(0, as_bytes("123456789")), 0xAE8B14860A799888U);
        EXPECT_EQ(f(0, as_bytes("Hello Azure!")), 0xC7A37FBFA4D9D80EU);
        EXPECT_EQ(f(0, as_bytes("Hello World!")), 0x02E51CC85EFCE1A5U);
        EXPECT_EQ(f(0, all), 0xFF71E21279D9966EU);
        EXPECT_EQ(f(0, zeros), 0x691BB2B09BE5498AU);
    }
}

TEST(crc64, header_is_little_endian_base64) {
    EXPECT_EQ(crc64_header(0), "AAAAAAAAAAA=");
    EXPECT_EQ(crc64_header(0xC7A37FBFA4D9D80E), "DtjZpL9/o8c=");
    EXPECT_EQ(crc64_header(0x8C2F8445B4CBFC3C), "PPzLtEWEL4w=");
}

TEST(crc64, every_form_agrees_with_the_definition_at_every_small_length) {
    const auto data = random_bytes(1600);
    for (std::size_t size = 0; size <= 1500; ++size) {
        const bytes_view view(data.data() + size % 61, size);
        const std::uint64_t want = crc64_by_definition(view);
        for (const auto& [name, f] : forms()) ASSERT_EQ(f(0, view), want) << name << ", " << size << " bytes";
    }
}

TEST(crc64, every_form_continues_from_any_point_and_alignment) {
    const auto data = random_bytes(100'003, 7);
    const std::uint64_t want = crc64_by_definition(data);
    std::mt19937_64 random(3);
    for (const auto& [name, f] : forms()) {
        for (int round = 0; round < 50; ++round) {
            std::uint64_t crc = 0;
            for (std::size_t at = 0; at < data.size();) {
                const std::size_t step =
                    std::min<std::size_t>(random() % (round < 25 ? 900 : 20'000), data.size() - at);
                crc = f(crc, {data.data() + at, step});
                at += step;
            }
            ASSERT_EQ(crc, want) << name;
        }
    }
}

TEST(crc64, combine_equals_the_whole) {
    const auto data = random_bytes(70'000, 9);
    const std::uint64_t whole = crc64(0, data);
    for (const std::size_t cut : {0, 1, 7, 64, 4096, 69'999, 70'000}) {
        const std::uint64_t a = crc64(0, {data.data(), cut});
        const std::uint64_t b = crc64(0, {data.data() + cut, data.size() - cut});
        EXPECT_EQ(crc64_combine(a, b, data.size() - cut), whole) << cut;
    }
}

TEST(crc64, combine_is_associative_over_lengths_no_test_can_hash) {
    const std::uint64_t a = 0x1122334455667788, b = 0x99AABBCCDDEEFF00, c = 0x123456789ABCDEF;
    const std::uint64_t long_b = std::uint64_t{5} << 40, long_c = (std::uint64_t{1} << 62) + 12345;
    EXPECT_EQ(crc64_combine(crc64_combine(a, b, long_b), c, long_c),
              crc64_combine(a, crc64_combine(b, c, long_c), long_b + long_c));
}

TEST(crc64, polynomial_in_normal_form_is_the_documented_one) {
    std::uint64_t normal = 0;
    for (int bit = 0; bit < 64; ++bit) normal |= (crc64_poly::polynomial >> bit & 1) << (63 - bit);
    EXPECT_EQ(normal, 0xAD93D23594C93659U);
}

TEST(crc32, known_values_and_continuation) {
    EXPECT_EQ(crc32(0, as_bytes("123456789")), 0xCBF43926U);
    EXPECT_EQ(crc32(crc32(0, as_bytes("1234")), as_bytes("56789")), 0xCBF43926U);
    EXPECT_EQ(crc32(0x1234, {}), 0x1234U);
}

}  // namespace
