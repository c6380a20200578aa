#include "engine/codec/base64.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "random_bytes.hpp"

namespace {

using namespace act::codec;
using testing::Optional;

TEST(base64, rfc_4648_vectors) {
    for (const auto& [plain, coded] : {std::pair{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}) {
        EXPECT_EQ(base64_encode(as_bytes(plain)), coded);
        EXPECT_THAT(base64_decode(coded), Optional(std::string(plain)));
    }
}

TEST(base64, every_length_comes_back) {
    for (std::size_t size = 0; size < 200; ++size) {
        const auto data = random_bytes(size, size);
        const std::string raw(reinterpret_cast<const char*>(data.data()), size);
        EXPECT_THAT(base64_decode(base64_encode(data)), Optional(raw));
        EXPECT_THAT(unhex(hex(data)), Optional(raw));
    }
}

TEST(base64, decoding_is_strict) {
    for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm9v====", "=",
                             "====", "Z===", "Zm9-", "Zm9_", "Zg==Zg==", "A=AA", "\xc3\xbc=="}) {
        EXPECT_EQ(base64_decode(text), std::nullopt) << text;
    }
}

TEST(hex, both_ways) {
    EXPECT_EQ(hex(as_bytes(std::string_view("\x00\x7f\xff", 3))), "007fff");
    EXPECT_THAT(unhex("007FfF"), Optional(std::string("\x00\x7f\xff", 3)));
    for (const char* text : {"0", "0g", "x0", "00 "}) EXPECT_EQ(unhex(text), std::nullopt) << text;
}

}  // namespace
