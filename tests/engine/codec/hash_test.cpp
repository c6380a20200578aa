#include "engine/codec/hash.hpp"

#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "engine/codec/base64.hpp"
#include "engine/codec/xxh3_variants.hpp"
#include "random_bytes.hpp"

namespace {

using namespace act::codec;

TEST(xxh3, golden_values) {
    // XXH3-128 with seed 0, as other implementations print it.
    EXPECT_EQ(xxh3_of({}).hex(), "99aa06d3014798d86001c324468d497f");
    EXPECT_EQ(xxh3_of(as_bytes("a")).hex(), "a96faf705af16834e6c632b61e964e1f");
    EXPECT_EQ(xxh3_of(as_bytes("abc")).hex(), "06b05ab6733a618578af5f94892f3950");
}

TEST(xxh3, bytes_are_canonical_and_come_back) {
    const hash128 h = xxh3_of(as_bytes("abc"));
    EXPECT_EQ(hex(h.bytes()), h.hex());
    EXPECT_EQ(hash128::from_bytes(h.bytes()), h);
    EXPECT_NE(hash128::from_bytes(h.bytes()), xxh3_of(as_bytes("abd")));
}

TEST(xxh3, streaming_equals_the_whole) {
    std::mt19937_64 random(5);
    xxh3 h;
    for (const std::size_t size :
         {0, 1, 3, 8, 16, 17, 128, 129, 240, 241, 256, 257, 1024, 1025, 65'536, 300'001}) {
        const auto data = random_bytes(size, size);
        h.reset();
        for (std::size_t at = 0; at < size;) {
            const std::size_t step = std::min<std::size_t>(random() % 5000, size - at);
            h.update({data.data() + at, step});
            at += step;
        }
        EXPECT_EQ(h.digest(), xxh3_of(data)) << size;
        EXPECT_EQ(h.digest(), xxh3_of(data)) << "digest may be asked again";
    }
    const xxh3 moved = std::move(h);
    EXPECT_EQ(moved.digest(), xxh3_of(random_bytes(300'001, 300'001)));
}

TEST(xxh3, variants_agree_and_share_the_state) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "no AVX2 here";
    const auto& a = detail::xxh3_baseline;
    const auto& b = detail::xxh3_avx2;
    const auto data = random_bytes(5000, 11);
    alignas(detail::xxh3_state_alignment) std::byte state[detail::xxh3_state_size];
    for (std::size_t size = 0; size <= data.size(); size += size < 600 ? 1 : 97) {
        hash128 from_a, from_b, mixed;
        a.whole(data.data(), size, &from_a.low, &from_a.high);
        b.whole(data.data(), size, &from_b.low, &from_b.high);
        a.reset(state);
        b.update(state, data.data(), size / 2);
        a.update(state, data.data() + size / 2, size - size / 2);
        b.digest(state, &mixed.low, &mixed.high);
        ASSERT_EQ(from_a, from_b) << size;
        ASSERT_EQ(from_a, mixed) << size;
    }
}

TEST(digest, golden_values) {
    EXPECT_EQ(hex(as_bytes(md5_of({}))), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(hex(as_bytes(md5_of(as_bytes("abc")))), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex(as_bytes(sha256_of({}))),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(as_bytes(sha256_of(as_bytes("abc")))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(digest, is_ready_again_after_finish) {
    digest d(digest::algorithm::sha256);
    d.update(as_bytes("a"));
    d.update(as_bytes("bc"));
    EXPECT_EQ(d.finish(), sha256_of(as_bytes("abc")));
    d.update(as_bytes("abc"));
    digest moved = std::move(d);
    EXPECT_EQ(moved.finish(), sha256_of(as_bytes("abc")));
    EXPECT_EQ(moved.finish(), sha256_of({}));
}

std::string hmac(std::string_view key, std::string_view message) {
    return hex(hmac_sha256(key).sign(message));
}

TEST(hmac, rfc_4231) {
    EXPECT_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hmac("Jefe", "what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac, one_key_many_messages) {
    hmac_sha256 h("key");
    EXPECT_EQ(hex(h.sign("The quick brown fox jumps over the lazy dog")),
              "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
    EXPECT_EQ(hex(h.sign("")), hmac("key", ""));
    EXPECT_EQ(hex(h.sign("x")), hmac("key", "x"));
    hmac_sha256 moved = std::move(h);
    EXPECT_EQ(hex(moved.sign("x")), hmac("key", "x"));
}

TEST(hmac, an_empty_key_is_a_key) {
    hmac_sha256 h("");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(hex(h.sign("")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    }
}

}  // namespace
