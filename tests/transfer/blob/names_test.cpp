#include "transfer/blob/names.hpp"

#include <gtest/gtest.h>

namespace act::blob {
namespace {

TEST(names, containers) {
    for (const char* good : {"abc", "a-b-c", "0123", "$root", "$web",
                             "a23456789012345678901234567890123456789012345678901234567890123"}) {
        EXPECT_TRUE(check_container_name(good)) << good;
    }
    for (const char* bad : {"", "ab", "Abc", "a_c", "-abc", "abc-", "a--b", "a.b", "$other",
                            "a234567890123456789012345678901234567890123456789012345678901234"}) {
        auto r = check_container_name(bad);
        ASSERT_FALSE(r) << bad;
        EXPECT_EQ(r.error().kind(), kind::usage);
        EXPECT_NE(r.error().message().find(bad), std::string::npos) << "the name is named";
        EXPECT_FALSE(r.error().advice().empty());
    }
}

TEST(names, blobs) {
    for (std::string good : {std::string("a"), std::string("a/b c/ü.txt"), std::string("a//b"),
                             std::string("dir/"), std::string(1024, 'x'), std::string("a/...")}) {
        EXPECT_TRUE(check_blob_name(good)) << good;
    }
    std::string deep;
    for (int i = 0; i < 254; ++i) deep += "a/";
    for (std::string bad :
         {std::string(), std::string(1025, 'x'), std::string("a\nb"), std::string("\xff\xfe"),
          std::string("a/../b"), std::string(".."), std::string("./a"), std::string("a/."), deep}) {
        auto r = check_blob_name(bad);
        ASSERT_FALSE(r) << bad;
        EXPECT_EQ(r.error().kind(), kind::usage);
    }
    // 1024 UTF-16 units, not bytes.
    std::string wide;
    for (int i = 0; i < 1024; ++i) wide += "\xc3\xbc";
    EXPECT_TRUE(check_blob_name(wide));
    std::string pairs;
    for (int i = 0; i < 513; ++i) pairs += "\xf0\x9f\x98\x80";
    EXPECT_FALSE(check_blob_name(pairs));
}

TEST(names, paths_are_encoded_as_the_sdks_do) {
    EXPECT_EQ(encode_blob_path("c", ""), "/c");
    EXPECT_EQ(encode_blob_path("c", "dir/a b+c.txt"), "/c/dir/a%20b%2Bc.txt");
    EXPECT_EQ(encode_blob_path("c", "!$&'()*,;=:@-._~"), "/c/!$&'()*,;=:@-._~");
    EXPECT_EQ(encode_blob_path("c", "ü#?%[]\"<>\\^`{|}"),
              "/c/%C3%BC%23%3F%25%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D");
    EXPECT_EQ(encode_blob_path("c", "a//b/"), "/c/a//b/");
}

}  // namespace
}  // namespace act::blob
