#include "engine/codec/inflate_stream.hpp"

#include <gtest/gtest.h>

#include "packed.hpp"

namespace {

using namespace act;
using namespace act::codec;
using namespace act::codec::test;
using format = inflate_stream::format;

/// What comes out when `packed` goes in by pieces of `step` bytes; nothing when that fails.
std::optional<std::string> unpacked(format f, std::string_view packed, std::size_t step) {
    inflate_stream in(f);
    std::string out;
    const auto sink = [&](bytes_view piece) -> result<void> {
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return {};
    };
    for (std::size_t at = 0; at < packed.size(); at += step) {
        if (!in.feed(as_bytes(packed.substr(at, step)), sink)) return std::nullopt;
    }
    if (!in.finish()) return std::nullopt;
    return out;
}

std::string text(std::size_t size) {
    std::string out;
    for (unsigned n = 0; out.size() < size; n = n * 1664525 + 1013904223)
        out += std::to_string(n >> 16) + "line\n";
    out.resize(size);
    return out;
}

TEST(inflate_stream, every_form_comes_back_in_pieces_of_every_size) {
    for (const std::size_t size : {0, 1, 1000, 700'000}) {
        const std::string plain = text(size);
        for (const std::size_t step : {std::size_t(1), std::size_t(2), std::size_t(4099), size + 100}) {
            if (step < 10 && size > 1000) continue;
            EXPECT_EQ(unpacked(format::gzip, gzip(plain), step), plain) << size << " by " << step;
            EXPECT_EQ(unpacked(format::deflate, zlib(plain), step), plain) << size << " by " << step;
            EXPECT_EQ(unpacked(format::deflate, raw_deflate(plain), step), plain) << size << " by " << step;
            EXPECT_EQ(unpacked(format::raw, raw_deflate(plain), step), plain) << size << " by " << step;
        }
    }
}

TEST(inflate_stream, members_follow_each_other_and_zeros_the_last) {
    const std::string packed = gzip("one ") + gzip("") + gzip("two");
    for (std::size_t step = 1; step < packed.size(); ++step) {
        EXPECT_EQ(unpacked(format::gzip, packed, step), "one two") << step;
        EXPECT_EQ(unpacked(format::gzip, packed + std::string(512, '\0'), step), "one two") << step;
    }
    EXPECT_FALSE(unpacked(format::gzip, packed + "x", 4096));
    EXPECT_FALSE(unpacked(format::gzip, packed + std::string(3, '\0') + gzip("hidden"), 4096));
    EXPECT_FALSE(unpacked(format::deflate, zlib("one") + "x", 4096));
}

TEST(inflate_stream, what_ends_early_or_is_damaged_is_an_error) {
    const std::string plain = text(5000);
    for (const auto& [f, packed] :
         {std::pair(format::gzip, gzip(plain)), std::pair(format::deflate, zlib(plain)),
          std::pair(format::raw, raw_deflate(plain))}) {
        for (std::size_t end = 0; end < packed.size(); end += 7)
            EXPECT_FALSE(unpacked(f, std::string_view(packed).substr(0, end), 512)) << end;
    }
    // Both checksums are looked at.
    for (std::string packed : {gzip(plain), zlib(plain)}) {
        packed[packed.size() - 2] ^= 1;
        EXPECT_FALSE(unpacked(packed[0] == 0x1f ? format::gzip : format::deflate, packed, 512));
    }
    EXPECT_FALSE(unpacked(format::gzip, plain, 512));
}

TEST(inflate_stream, a_bomb_comes_out_in_tiles_and_ends_when_nobody_wants_more) {
    const std::string packed = gzip(std::string(64U << 20, '\0'));
    EXPECT_LT(packed.size(), 100'000U);
    inflate_stream in(format::gzip);
    std::size_t taken = 0, longest = 0;
    const auto sink = [&](bytes_view piece) -> result<void> {
        taken += piece.size();
        longest = std::max(longest, piece.size());
        if (taken > (1U << 20)) return error(kind::disk_full, "enough");
        return {};
    };
    auto fed = in.feed(as_bytes(packed), sink);
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().kind(), kind::disk_full);
    EXPECT_LE(longest, 256U << 10);
    EXPECT_LE(taken, 2U << 20);
}

TEST(inflate_stream, begins_again_after_restart) {
    inflate_stream in(format::gzip);
    const auto nowhere = [](bytes_view) { return result<void>(); };
    EXPECT_FALSE(in.feed(as_bytes("no such thing"), nowhere));
    in.restart();
    EXPECT_TRUE(in.feed(as_bytes(gzip("text")), nowhere));
    EXPECT_TRUE(in.finish());
}

}  // namespace
