#include "transfer/blob/headers.hpp"

#include <gtest/gtest.h>

namespace act::blob {
namespace {

TEST(headers, conditions_and_content) {
    http::fields f;
    conditions c{.if_match = "\"1\"",
                 .if_none_match = "*",
                 .if_modified_since = parse_iso8601("2015-06-26T23:39:12Z"),
                 .lease_id = "l"};
    add_conditions(f, c);
    add_content(f, {.type = "t",
                    .encoding = "e",
                    .language = "l",
                    .disposition = "d",
                    .cache_control = "c",
                    .md5 = "m"});
    EXPECT_EQ(
        f.wire(),
        "If-Match: \"1\"\r\nIf-None-Match: *\r\nIf-Modified-Since: Fri, 26 Jun 2015 23:39:12 "
        "GMT\r\nx-ms-lease-id: l\r\n"
        "x-ms-blob-content-type: t\r\nx-ms-blob-content-encoding: e\r\nx-ms-blob-content-language: l\r\n"
        "x-ms-blob-content-disposition: d\r\nx-ms-blob-cache-control: c\r\nx-ms-blob-content-md5: m\r\n");
    http::fields none;
    add_conditions(none, {});
    add_content(none, {});
    add_metadata(none, {});
    EXPECT_EQ(none.size(), 0u);
}

TEST(headers, metadata) {
    metadata m = {{"a", "1"}, {"mtime", "2026 x"}};
    http::fields f;
    add_metadata(f, m);
    EXPECT_EQ(read_metadata(f), m);
    http::fields upper;
    upper.add("X-MS-META-Key", "v");
    upper.add("x-ms-metanot", "v");
    EXPECT_EQ(read_metadata(upper), (metadata{{"key", "v"}}));
    EXPECT_TRUE(check_metadata(m));
    for (auto bad : {metadata{{"", "x"}}, metadata{{"1a", "x"}}, metadata{{"a-b", "x"}}, metadata{{"a", "ü"}},
                     metadata{{"a", "x\ny"}}, metadata{{"a", std::string(9000, 'x')}}}) {
        auto r = check_metadata(bad);
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::usage);
    }
}

http::fields answer() {
    http::fields f;
    f.add("ETag", "\"0x1\"");
    f.add("Last-Modified", "Fri, 26 Jun 2015 23:39:12 GMT");
    f.add("x-ms-creation-time", "Fri, 26 Jun 2015 23:39:11 GMT");
    f.add("Content-Type", "text/plain");
    f.add("Content-MD5", "range-or-blob");
    f.add("x-ms-blob-type", "AppendBlob");
    f.add("x-ms-meta-hdi_isfolder", "true");
    f.add("x-ms-access-tier", "Cool");
    return f;
}

TEST(headers, properties_of_a_whole_blob_and_of_a_range) {
    auto f = answer();
    auto p = read_properties(f, 200, 11).value();
    EXPECT_EQ(p.size, 11u);
    EXPECT_EQ(p.etag.text, "\"0x1\"");
    EXPECT_EQ(p.modified, parse_iso8601("2015-06-26T23:39:12Z"));
    EXPECT_EQ(p.created, parse_iso8601("2015-06-26T23:39:11Z"));
    EXPECT_EQ(p.type, blob_type::append);
    EXPECT_EQ(p.content.md5, "range-or-blob");
    EXPECT_EQ(p.tier, "Cool");
    EXPECT_TRUE(p.is_directory);

    f.add("Content-Range", "bytes 0-9/123456789012");
    f.add("x-ms-blob-content-md5", "blob");
    p = read_properties(f, 206, 10).value();
    EXPECT_EQ(p.size, 123456789012u);
    EXPECT_EQ(p.content.md5, "blob");

    f.set("Content-Range", "bytes 0-9/*");
    EXPECT_EQ(read_properties(f, 206, 10).error().kind(), kind::protocol);
    f.set("Last-Modified", "yesterday");
    EXPECT_FALSE(read_properties(f, 200, 10));
}

TEST(headers, ranges) {
    EXPECT_EQ(range_header({5, 10}), "bytes=5-14");
    auto r = parse_range("bytes=5-14");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->first, 5u);
    EXPECT_EQ(r->last, 14u);
    EXPECT_EQ(parse_range("bytes=7-")->last, UINT64_MAX);
    for (const char* bad : {"", "bytes", "bytes=", "bytes=-5", "bytes=5", "bytes=9-5", "bytes=1-2,4-5",
                            "bytes=a-b", "items=0-1", "bytes=99999999999999999999-"}) {
        EXPECT_FALSE(parse_range(bad)) << bad;
    }
    auto c = parse_content_range("bytes 0-9/100");
    ASSERT_TRUE(c);
    EXPECT_EQ(c->total, 100u);
    for (const char* bad :
         {"", "bytes */100", "bytes 0-9/*", "bytes 9-0/100", "bytes 0-100/100", "0-9/100", "bytes 0-9"}) {
        EXPECT_FALSE(parse_content_range(bad)) << bad;
    }
}

}  // namespace
}  // namespace act::blob
