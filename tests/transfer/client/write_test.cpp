#include <cstdlib>
#include <unistd.h>

#include <gmock/gmock.h>

#include "engine/codec/hash.hpp"
#include "scripted.hpp"

namespace act::blob::test {
namespace {

using testing::HasSubstr;

reply created(const seen&) {
    return {
        .status = 201,
        .headers = {
            {"ETag", "\"0x1\""}, {"Last-Modified", "Fri, 26 Jun 2015 23:39:12 GMT"}, {"Content-MD5", "m"}}};
}

const address where{"cont", "dir/a b+c.txt"};

TEST(client_write, put_blob_says_everything_in_one_request) {
    scripted s(created);
    write_options o;
    o.content = {.type = "text/plain",
                 .encoding = "gzip",
                 .language = "en",
                 .disposition = "d",
                 .cache_control = "cc",
                 .md5 = "bWQ1"};
    o.metadata = {{"mtime", "1"}};
    o.tags = {{"k", "v w"}};
    o.tier = "Cool";
    o.when = conditions::absent();
    auto r = s.run(s.client().put_blob(where, http::body::text("hello"), {}, o, {}));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->etag.text, "\"0x1\"");
    EXPECT_EQ(r->modified, parse_iso8601("2015-06-26T23:39:12Z"));
    EXPECT_EQ(r->content_md5, "m");
    ASSERT_EQ(s.count(), 1u);
    auto q = s.requests()[0];
    EXPECT_EQ(q.method, "PUT");
    EXPECT_EQ(q.target, "/cont/dir/a%20b%2Bc.txt");
    EXPECT_EQ(q.body, "hello");
    for (auto [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
             {"x-ms-blob-type", "BlockBlob"},
             {"x-ms-version", service_version},
             {"Content-Length", "5"},
             {"x-ms-content-crc64", crc_base64("hello")},
             {"x-ms-blob-content-type", "text/plain"},
             {"x-ms-blob-content-encoding", "gzip"},
             {"x-ms-blob-content-language", "en"},
             {"x-ms-blob-content-disposition", "d"},
             {"x-ms-blob-cache-control", "cc"},
             {"x-ms-blob-content-md5", "bWQ1"},
             {"x-ms-meta-mtime", "1"},
             {"x-ms-tags", "k=v%20w"},
             {"x-ms-access-tier", "Cool"},
             {"If-None-Match", "*"}}) {
        EXPECT_EQ(q.header(name), value) << name;
    }
    for (const char* name : {"Content-MD5", "Content-Type", "Transfer-Encoding", "Expect"})
        EXPECT_FALSE(q.headers.has(name)) << name;
    EXPECT_FALSE(q.header("x-ms-client-request-id").empty());
}

TEST(client_write, an_empty_blob_has_a_length_and_no_checksum) {
    scripted s(created);
    ASSERT_TRUE(s.run(s.client().put_blob(where, http::body::none(), {}, {}, {})));
    EXPECT_EQ(s.requests()[0].header("Content-Length"), "0");
    EXPECT_FALSE(s.requests()[0].headers.has("x-ms-content-crc64"));
}

TEST(client_write, a_checksum_that_is_given_is_used_as_it_is) {
    scripted s(created);
    ASSERT_TRUE(s.run(s.client().put_block(where, "aWQ=", http::body::text("hello"),
                                           {codec::crc64(0, codec::as_bytes("other"))}, "lease", {})));
    auto q = s.requests()[0];
    EXPECT_EQ(q.header("x-ms-content-crc64"), crc_base64("other"));
    EXPECT_EQ(q.header("x-ms-lease-id"), "lease");
    EXPECT_EQ(q.target, "/cont/dir/a%20b%2Bc.txt?comp=block&blockid=aWQ%3D");
}

TEST(client_write, a_part_of_a_file_is_hashed_by_tiles) {
    scripted s(created);
    char path[] = "/tmp/act-client-XXXXXX";
    int fd = ::mkstemp(path);
    ASSERT_GE(fd, 0);
    ::unlink(path);
    std::string content(700'000, 0);
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 251);
    ASSERT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    ASSERT_TRUE(s.run(s.client().put_block(where, "aWQ=", http::body::file(fd, 1000, 600'000), {}, {}, {})));
    EXPECT_EQ(s.requests()[0].body, content.substr(1000, 600'000));
    EXPECT_EQ(s.requests()[0].header("x-ms-content-crc64"), crc_base64(content.substr(1000, 600'000)));

    auto short_one =
        s.run(s.client().put_block(where, "aWQ=", http::body::file(fd, 699'000, 2'000), {}, {}, {}));
    ASSERT_FALSE(short_one);
    EXPECT_EQ(short_one.error().kind(), kind::io);
    EXPECT_EQ(s.count(), 1u) << "nothing is sent of a file that is shorter than was thought";
    ::close(fd);
}

TEST(client_write, block_lists) {
    scripted s(created);
    write_options o;
    o.when = conditions::matching({"\"0x9\""});
    o.content.md5 = "whole";
    auto r = s.run(s.client().put_block_list(where, {"YQ==", "Yg=="}, o, {}));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->content_md5, "whole") << "the answer's MD5 is the document's";
    auto q = s.requests()[0];
    EXPECT_EQ(q.target, "/cont/dir/a%20b%2Bc.txt?comp=blocklist");
    EXPECT_THAT(q.body, HasSubstr("<Latest>YQ==</Latest><Latest>Yg==</Latest>"));
    EXPECT_EQ(q.header("If-Match"), "\"0x9\"");
    EXPECT_EQ(q.header("x-ms-content-crc64"), crc_base64(q.body));
    auto many = s.run(s.client().put_block_list(where, std::vector<std::string>(max_blocks + 1), {}, {}));
    EXPECT_EQ(many.error().kind(), kind::usage);
    EXPECT_EQ(s.count(), 1u);
}

TEST(client_write, other_kinds_of_blobs) {
    scripted s(created);
    ASSERT_TRUE(s.run(s.client().create_append_blob(where, {}, {})));
    ASSERT_TRUE(s.run(s.client().append_block(where, http::body::text("x"), 42, {})));
    ASSERT_TRUE(s.run(s.client().create_page_blob(where, 1024, {}, {})));
    std::string page(512, 'p');
    ASSERT_TRUE(s.run(s.client().put_page(where, {512, 512}, http::body::text(page), {})));
    EXPECT_FALSE(s.run(s.client().create_page_blob(where, 1000, {}, {})));
    EXPECT_FALSE(s.run(s.client().put_page(where, {1, 512}, http::body::text(page), {})));
    auto q = s.requests();
    ASSERT_EQ(q.size(), 4u);
    EXPECT_EQ(q[0].header("x-ms-blob-type"), "AppendBlob");
    EXPECT_EQ(q[1].header("x-ms-blob-condition-appendpos"), "42");
    EXPECT_EQ(q[2].header("x-ms-blob-content-length"), "1024");
    EXPECT_EQ(q[3].header("x-ms-range"), "bytes=512-1023");
    EXPECT_EQ(q[3].header("x-ms-page-write"), "update");
}

TEST(client_write, copies) {
    scripted s([](const seen&) {
        return reply{.status = 202,
                     .headers = {{"ETag", "\"1\""}, {"x-ms-copy-id", "id"}, {"x-ms-copy-status", "pending"}}};
    });
    write_options o;
    o.content.type = "text/x";
    const copy_origin source{secret("https://other/c/b?sig=s%3D"), {"\"7\""}};
    auto r = s.run(s.client().copy(copy_form::automatic_async, source, where, o, {}));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->status, "pending");
    EXPECT_EQ(r->copy_id, "id");
    ASSERT_TRUE(s.run(s.client().copy(copy_form::sync_from_url, source, where, o, {})));
    ASSERT_TRUE(s.run(s.client().copy(copy_form::put_from_url, source, where, o, {})));
    ASSERT_TRUE(s.run(s.client().put_block_from_url(where, "YQ==", source, {10, 5}, {})));
    ASSERT_TRUE(s.run(s.client().abort_copy(where, "id", {})));
    auto q = s.requests();
    EXPECT_EQ(q[0].header("x-ms-copy-source"), source.url.reveal());
    for (int i = 0; i < 4; ++i) EXPECT_EQ(q[i].header("x-ms-source-if-match"), "\"7\"") << i;
    EXPECT_FALSE(q[0].headers.has("x-ms-blob-type")) << "it would turn the copy into another operation";
    EXPECT_FALSE(q[0].headers.has("x-ms-blob-content-type"));
    EXPECT_EQ(q[1].header("x-ms-requires-sync"), "true");
    EXPECT_EQ(q[2].header("x-ms-blob-type"), "BlockBlob");
    EXPECT_EQ(q[2].header("x-ms-blob-content-type"), "text/x");
    EXPECT_EQ(q[3].header("x-ms-source-range"), "bytes=10-14");
    EXPECT_EQ(q[4].header("x-ms-copy-action"), "abort");
    EXPECT_EQ(q[4].target, "/cont/dir/a%20b%2Bc.txt?comp=copy&copyid=id");
}

TEST(client_write, a_token_for_the_source_goes_with_what_takes_one) {
    scripted s([](const seen&) { return reply{.status = 201, .headers = {{"ETag", "\"1\""}}}; });
    const copy_origin source{
        .url = secret("https://other/c/b"), .size = 7, .authorization = secret("Bearer abc")};
    ASSERT_TRUE(s.run(s.client().copy(copy_form::put_from_url, source, where, {}, {})));
    ASSERT_TRUE(s.run(s.client().copy(copy_form::sync_from_url, source, where, {}, {})));
    ASSERT_TRUE(s.run(s.client().put_block_from_url(where, "YQ==", source, {}, {})));
    auto refused = s.run(s.client().copy(copy_form::automatic_async, source, where, {}, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), kind::unsupported);
    auto q = s.requests();
    ASSERT_EQ(q.size(), 3u);
    for (const auto& one : q) EXPECT_EQ(one.header("x-ms-copy-source-authorization"), "Bearer abc");
}

TEST(client_write, changes_of_what_belongs_to_a_blob) {
    scripted s([](const seen& q) {
        if (q.method == "GET")
            return reply{.body = "<Tags><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tags>"};
        return reply{.status = 200, .headers = {{"x-ms-snapshot", "2026-01-01T00:00:00.0000000Z"}}};
    });
    auto& c = s.client();
    EXPECT_TRUE(s.run(c.set_tier(where, "Archive", {})));
    EXPECT_TRUE(s.run(c.set_tier(where, "Hot", {}, "High")));
    EXPECT_TRUE(s.run(c.set_metadata(where, {{"a", "b"}}, {}, {})));
    EXPECT_TRUE(s.run(c.set_content_headers(where, {.type = "t"}, {}, {})));
    EXPECT_TRUE(s.run(c.set_tags(where, {{"a", "b"}}, {})));
    EXPECT_EQ(s.run(c.get_tags(where, {})).value().at("a"), "b");
    EXPECT_EQ(s.run(c.snapshot(where, {})).value(), "2026-01-01T00:00:00.0000000Z");
    EXPECT_TRUE(s.run(c.remove(where, snapshots::only, {}, {})));
    auto q = s.requests();
    EXPECT_EQ(q[0].header("x-ms-access-tier"), "Archive");
    EXPECT_FALSE(q[0].headers.has("x-ms-rehydrate-priority"));
    EXPECT_EQ(q[1].header("x-ms-rehydrate-priority"), "High");
    EXPECT_EQ(q[2].header("x-ms-meta-a"), "b");
    EXPECT_THAT(q[3].target, HasSubstr("?comp=properties"));
    EXPECT_EQ(q[4].header("Content-Type"), "application/xml; charset=UTF-8");
    EXPECT_THAT(q[4].body, HasSubstr("<Key>a</Key>"));
    EXPECT_EQ(q[7].header("x-ms-delete-snapshots"), "only");
    EXPECT_EQ(q[7].method, "DELETE");
}

TEST(client_write, what_the_service_would_refuse_is_not_sent) {
    scripted s(created);
    auto& c = s.client();
    write_options bad_metadata, bad_tags;
    bad_metadata.metadata = {{"a-b", ""}};
    bad_tags.tags = {{"", ""}};
    for (auto r : {s.run(c.put_blob({"Bad", "b"}, http::body::none(), {}, {}, {})),
                   s.run(c.put_blob({"cont", ""}, http::body::none(), {}, {}, {})),
                   s.run(c.put_blob({"cont", "a/../b"}, http::body::none(), {}, {}, {})),
                   s.run(c.put_blob(where, http::body::none(), {}, bad_metadata, {})),
                   s.run(c.put_blob(where, http::body::none(), {}, bad_tags, {}))}) {
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::usage);
    }
    EXPECT_FALSE(s.run(c.remove({"cont", ""}, snapshots::include, {}, {})))
        << "a blob without a name would be the container";
    EXPECT_EQ(s.count(), 0u);
}

TEST(client_write, each_operation_has_an_id_of_its_own_and_keeps_it) {
    int n = 0;
    scripted s([&](const seen& q) { return n++ == 0 ? service_error_reply(503, "ServerBusy") : created(q); });
    ASSERT_TRUE(s.run(s.client().put_block(where, "YQ==", http::body::text("x"), {}, {}, {})));
    ASSERT_TRUE(s.run(s.client().put_block(where, "YQ==", http::body::text("x"), {}, {}, {})));
    auto q = s.requests();
    ASSERT_EQ(q.size(), 3u);
    EXPECT_EQ(q[0].header("x-ms-client-request-id"), q[1].header("x-ms-client-request-id"));
    EXPECT_NE(q[0].header("x-ms-client-request-id"), q[2].header("x-ms-client-request-id"));
}

TEST(client_write, urls) {
    scripted s(created, auth::anonymous(), "/acc/");
    EXPECT_EQ(s.client().url(where), s.endpoint() + "/acc/cont/dir/a%20b%2Bc.txt");
    EXPECT_EQ(s.client().url({"cont", ""}), s.endpoint() + "/acc/cont");
    ASSERT_TRUE(s.run(s.client().create_container("cont", {})));
    EXPECT_EQ(s.requests()[0].target, "/acc/cont?restype=container");
}

}  // namespace
}  // namespace act::blob::test
