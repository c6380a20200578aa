#include "transfer/plan/block_id.hpp"

#include <gtest/gtest.h>

#include "engine/codec/base64.hpp"
#include "engine/core/units.hpp"

namespace act::plan {
namespace {

block_id sample(std::uint32_t index, std::uint32_t length) {
    const std::string text = "block " + std::to_string(index);
    return {index, length, codec::xxh3_of(codec::as_bytes(text))};
}

TEST(BlockId, RoundTripsAndHasOneLength) {
    for (const block_id id : {sample(0, 1), sample(49'999, 4194304000u), sample(7, 8 << 20)}) {
        const std::string text = to_string(id);
        EXPECT_EQ(codec::base64_decode(text)->size(), 28u);
        EXPECT_EQ(parse_block_id(text), id);
    }
}

TEST(BlockId, TellsContentPlaceAndLengthApart) {
    EXPECT_NE(to_string(sample(1, 5)), to_string(sample(2, 5)));
    EXPECT_NE(to_string(sample(1, 5)), to_string(sample(1, 6)));
    block_id other = sample(1, 5);
    other.hash.low ^= 1;
    EXPECT_NE(to_string(other), to_string(sample(1, 5)));
}

TEST(BlockId, IdsOfOtherToolsAreNotOurs) {
    EXPECT_FALSE(parse_block_id(""));
    EXPECT_FALSE(parse_block_id("MDAwMDAw"));
    EXPECT_FALSE(parse_block_id("not base64!"));
    EXPECT_FALSE(parse_block_id(codec::base64_encode(codec::as_bytes(std::string(28, 'x')))));
}

TEST(BlockId, OfACopyIsOfTheSourcesVersionAndClaimsNoContent) {
    const auto source = source_identity("acc", {"con", "name"}, {"\"1\""});
    const std::string id = copied_block_id(3, 8 * MiB, source);
    EXPECT_EQ(id.size(), to_string(sample(1, 5)).size());
    EXPECT_FALSE(parse_block_id(id));
    EXPECT_EQ(copied_block_id(3, 8 * MiB, source), id);
    EXPECT_NE(copied_block_id(4, 8 * MiB, source), id);
    EXPECT_NE(copied_block_id(3, 4 * MiB, source), id);
    for (const auto& other : {source_identity("acd", {"con", "name"}, {"\"1\""}),
                              source_identity("acc", {"co", "nname"}, {"\"1\""}),
                              source_identity("acc", {"con", "nam"}, {"\"1\""}),
                              source_identity("acc", {"con", "name"}, {"\"2\""})}) {
        EXPECT_NE(copied_block_id(3, 8 * MiB, other), id);
    }
}

TEST(BlockId, LengthIsWhatMustAgree) {
    EXPECT_TRUE(has_our_length(to_string(sample(1, 5))));
    EXPECT_TRUE(has_our_length(codec::base64_encode(codec::as_bytes(std::string(28, 'x')))));
    EXPECT_FALSE(has_our_length(codec::base64_encode(codec::as_bytes(std::string(29, 'x')))));
    EXPECT_FALSE(has_our_length("not base64!"));
}

TEST(BlockSize, GrowsSoThatFiftyThousandBlocksSuffice) {
    EXPECT_EQ(block_size_for(1, 0), 8 * MiB);
    EXPECT_EQ(block_size_for(50'000 * 8 * MiB, 0), 8 * MiB);
    EXPECT_EQ(block_size_for(50'000 * 8 * MiB + 1, 0), 9 * MiB);
    EXPECT_EQ(block_size_for(10 * MiB, 1 * MiB), 1 * MiB);
    const std::uint64_t huge = 180 * TiB;
    EXPECT_LE(split(huge, block_size_for(huge, 0)).size(), blob::max_blocks);
}

TEST(Split, CoversTheFileWithoutGapOrOverlap) {
    for (const std::uint64_t size : {std::uint64_t(1), 8 * MiB - 1, 8 * MiB, 8 * MiB + 1, 100 * MiB + 17}) {
        std::uint64_t at = 0;
        for (const auto& r : split(size, 8 * MiB)) {
            EXPECT_EQ(r.offset, at);
            EXPECT_GT(r.length, 0u);
            at += r.length;
        }
        EXPECT_EQ(at, size);
    }
}

TEST(OwnLayout, NeedsEveryBlockInItsPlaceAndTheWholeSize) {
    std::vector<blob::block_entry> blocks = {{to_string(sample(0, 10)), 10}, {to_string(sample(1, 4)), 4}};
    ASSERT_TRUE(own_layout(blocks, 14));
    EXPECT_EQ(own_layout(blocks, 14)->at(1).length, 4u);
    EXPECT_FALSE(own_layout(blocks, 15));
    std::swap(blocks[0], blocks[1]);
    EXPECT_FALSE(own_layout(blocks, 14)) << "out of order";
    EXPECT_FALSE(own_layout({{to_string(sample(0, 10)), 11}}, 11)) << "the length in the id is another";
    EXPECT_FALSE(own_layout({{"MDAw", 14}}, 14)) << "another tool's";
    EXPECT_FALSE(own_layout({}, 0));
}

}  // namespace
}  // namespace act::plan
