#include "engine/core/uri.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace act;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;
using testing::Pair;

TEST(uri, parts_are_found) {
    const auto u = parse_uri("https://Name.Blob.core.windows.net/box/a%20b?comp=list&x=%2F");
    ASSERT_TRUE(u);
    EXPECT_TRUE(u->tls);
    EXPECT_EQ(u->host, "name.blob.core.windows.net");
    EXPECT_EQ(u->port, 443);
    EXPECT_EQ(u->path, "/box/a%20b");
    EXPECT_EQ(u->query, "comp=list&x=%2F");
    EXPECT_EQ(u->authority(), "name.blob.core.windows.net");
    EXPECT_EQ(u->str(), "https://name.blob.core.windows.net/box/a%20b?comp=list&x=%2F");
}

TEST(uri, path_may_be_empty) {
    for (const char* text : {"http://localhost:10000", "http://localhost:10000?a=b/c"}) {
        const auto u = parse_uri(text);
        ASSERT_TRUE(u) << text;
        EXPECT_EQ(u->path, "");
        EXPECT_EQ(u->port, 10000);
        EXPECT_EQ(u->authority(), "localhost:10000");
        EXPECT_EQ(u->str(), text);
    }
}

TEST(uri, ipv6_has_brackets_outside_only) {
    const auto u = parse_uri("http://[::1]:8080/x");
    ASSERT_TRUE(u);
    EXPECT_EQ(u->host, "::1");
    EXPECT_EQ(u->authority(), "[::1]:8080");
    EXPECT_EQ(u->str(), "http://[::1]:8080/x");
    EXPECT_EQ(parse_uri("https://[fe80::2]")->authority(), "[fe80::2]");
}

TEST(uri, bad_ones_are_refused) {
    for (const char* text : {"",
                             "localhost",
                             "ftp://a/b",
                             "https://",
                             "https:///x",
                             "http://a:0/",
                             "http://a:65536/",
                             "http://a:8x/",
                             "http://a b/",
                             "http://[::1/",
                             "http://[zz]/",
                             "http://[::1]x/",
                             "http://a/b c",
                             "http://a/b\nc",
                             "http://a/\xc3\xbc",
                             "http://a/100%",
                             "http://a/%zz",
                             "http://a/#x",
                             "http://u:p@a/",
                             "http://a..b/",
                             "http://.a/",
                             "http://a/?x=a b",
                             "http://a:-1/"}) {
        EXPECT_FALSE(parse_uri(text)) << text;
    }
}

TEST(uri, errors_hide_secrets) {
    for (const char* text :
         {"https://a/b c?sig=TOPSECRET", "https://me:TOPSECRET@a/b", "ftp://a/b?x=TOPSECRET",
          "https://a/b#TOPSECRET", "sv=1&sig=TOPSECRET", "https://me:a/TOPSECRET@a/b"}) {
        const auto u = parse_uri(text);
        ASSERT_FALSE(u) << text;
        EXPECT_THAT(u.error().describe(), Not(HasSubstr("TOPSECRET"))) << text;
    }
}

TEST(uri, encoding_and_back) {
    EXPECT_EQ(encode_component("a/b c+d~\xc3\xbc%"), "a%2Fb%20c%2Bd~%C3%BC%25");
    EXPECT_EQ(encode_path("a/b c"), "a/b%20c");
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    EXPECT_THAT(decode_component(encode_component(all)), Optional(all));
    EXPECT_THAT(decode_component("a+b%2b"), Optional(std::string("a+b+")));
    for (const char* text : {"%", "a%2", "%g0", "%%30"})
        EXPECT_EQ(decode_component(text), std::nullopt) << text;
}

TEST(uri, query_is_split_in_order) {
    EXPECT_THAT(parse_query("a=1&b=&c&&d=x%3Dy=z&a=2&e=%zz"),
                ElementsAre(Pair("a", "1"), Pair("b", ""), Pair("c", ""), Pair("d", "x=y=z"), Pair("a", "2"),
                            Pair("e", "%zz")));
    EXPECT_TRUE(parse_query("").empty());
}

}  // namespace
