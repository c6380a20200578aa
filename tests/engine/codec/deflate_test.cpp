#include "engine/codec/deflate.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "random_bytes.hpp"

namespace {

using namespace act::codec;

std::vector<std::byte> text_like(std::size_t size) {
    auto bytes = random_bytes(size, 4);
    for (std::byte& b : bytes) b = static_cast<std::byte>('a' + std::to_integer<int>(b) % 5);
    return bytes;
}

TEST(deflate, every_level_comes_back) {
    const auto plain = text_like(100'000);
    inflater in;
    std::vector<std::byte> packed, again;
    for (int level = 1; level <= 12; ++level) {
        deflater out(level);
        out.compress(plain, packed);
        EXPECT_LT(packed.size(), plain.size() / 2) << level;
        out.compress(plain, again);
        EXPECT_EQ(packed, again) << "the same input gives the same bytes";
        std::vector<std::byte> back(plain.size());
        ASSERT_TRUE(in.inflate(packed, back)) << level;
        EXPECT_EQ(back, plain);
    }
}

TEST(deflate, empty_and_incompressible_input) {
    deflater out;
    inflater in;
    std::vector<std::byte> packed;
    for (const auto& plain : {std::vector<std::byte>{}, random_bytes(70'001)}) {
        out.compress(plain, packed);
        std::vector<std::byte> back(plain.size());
        ASSERT_TRUE(in.inflate(packed, back));
        EXPECT_EQ(back, plain);
    }
}

TEST(deflate, a_large_buffer_between_small_ones_changes_nothing) {
    const auto small = text_like(1000), large = text_like(9 << 20);
    std::vector<std::byte> before, between, after, back(large.size());
    deflater out(1);
    out.compress(small, before);
    out.compress(large, between);
    out.compress(small, after);
    EXPECT_EQ(before, after);
    ASSERT_TRUE(inflater().inflate(between, back));
    EXPECT_EQ(back, large);
}

TEST(deflate, wrong_sizes_and_damage_are_errors) {
    const auto plain = text_like(5000);
    deflater out;
    inflater in;
    std::vector<std::byte> packed;
    out.compress(plain, packed);
    std::vector<std::byte> shorter(4999), longer(5001), right(5000);
    EXPECT_FALSE(in.inflate(packed, shorter));
    EXPECT_FALSE(in.inflate(packed, longer));
    EXPECT_FALSE(in.inflate(bytes_view(packed).first(packed.size() - 1), right));
    EXPECT_FALSE(in.inflate({}, right));
    packed.push_back(std::byte{0});
    const auto more = in.inflate(packed, right);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().kind(), act::kind::integrity);
}

TEST(deflate, level_is_checked) {
    EXPECT_THROW(deflater(0), std::invalid_argument);
    EXPECT_THROW(deflater(13), std::invalid_argument);
}

}  // namespace
