#include <gmock/gmock.h>

#include "scripted.hpp"

namespace act::blob::test {
namespace {

using testing::HasSubstr;

const std::string content = "hello world";
const address where{"cont", "b"};

/// Answers ranges of `content` as the service does.
reply serve(const seen& q) {
    std::vector<std::pair<std::string, std::string>> h = {{"ETag", "\"1\""},
                                                          {"Last-Modified", "Fri, 26 Jun 2015 23:39:12 GMT"},
                                                          {"x-ms-blob-type", "BlockBlob"},
                                                          {"x-ms-meta-Mtime", "now"},
                                                          {"Content-Type", "text/plain"}};
    auto range = q.header("x-ms-range");
    if (range.empty()) {
        h.emplace_back("Content-MD5", "whole");
        return {.status = 200, .headers = h, .body = content};
    }
    std::size_t a = 0, b = 0;
    std::sscanf(range.c_str(), "bytes=%zu-%zu", &a, &b);
    if (a >= content.size()) return service_error_reply(416, "InvalidRange");
    auto part = content.substr(a, b - a + 1);
    h.emplace_back("Content-Range", "bytes " + std::to_string(a) + "-" + std::to_string(a + part.size() - 1) +
                                        "/" + std::to_string(content.size()));
    h.emplace_back("x-ms-blob-content-md5", "whole");
    if (q.header("x-ms-range-get-content-crc64") == "true")
        h.emplace_back("x-ms-content-crc64", crc_base64(part));
    return {.status = 206, .headers = h, .body = part};
}

std::string read(scripted& s, download& d) {
    std::string text(d.length, 0);
    auto r =
        s.run(s.client().read_verified(d, std::as_writable_bytes(std::span(text.data(), text.size())), {}));
    return r ? text : "error: " + r.error().message();
}

TEST(client_read, a_range_tells_all_of_the_blob_and_is_verified) {
    scripted s(serve);
    auto d = s.run(s.client().get(where, range{6, 100}, conditions::matching({"\"1\""}), {}));
    ASSERT_TRUE(d) << d.error().describe();
    EXPECT_EQ(d->total, 11u);
    EXPECT_EQ(d->length, 5u);
    EXPECT_EQ(d->info.size, 11u);
    EXPECT_EQ(d->info.name, "b");
    EXPECT_EQ(d->info.etag.text, "\"1\"");
    EXPECT_EQ(d->info.metadata.at("mtime"), "now");
    EXPECT_EQ(d->info.content.md5, "whole");
    ASSERT_TRUE(d->range_crc64);
    EXPECT_EQ(read(s, *d), "world");
    auto q = s.requests()[0];
    EXPECT_EQ(q.header("x-ms-range"), "bytes=6-105");
    EXPECT_EQ(q.header("If-Match"), "\"1\"");
    EXPECT_FALSE(q.headers.has("Range"));
}

TEST(client_read, the_whole) {
    scripted s(serve);
    auto d = s.run(s.client().get(where, std::nullopt, {}, {}));
    ASSERT_TRUE(d);
    EXPECT_EQ(d->total, 11u);
    EXPECT_EQ(d->length, 11u);
    EXPECT_TRUE(d->range_md5.empty()) << "the blob's MD5 is a property, not a checksum of the answer";
    EXPECT_EQ(d->info.content.md5, "whole");
    EXPECT_EQ(read(s, *d), content);
    EXPECT_FALSE(s.requests()[0].headers.has("x-ms-range-get-content-crc64"));
}

TEST(client_read, long_ranges_do_not_ask_for_a_checksum) {
    scripted s(serve);
    auto d = s.run(s.client().get(where, range{0, max_checked_range + 1}, {}, {}));
    ASSERT_TRUE(d);
    EXPECT_FALSE(s.requests()[0].headers.has("x-ms-range-get-content-crc64"));
    d = s.run(s.client().get(where, range{0, max_checked_range}, {}, {}));
    EXPECT_TRUE(s.requests()[1].headers.has("x-ms-range-get-content-crc64"));
}

TEST(client_read, page_ranges_come_in_pages) {
    bool endless = false;
    scripted s([&](const seen& q) {
        if (endless) return reply{.body = "<PageList><NextMarker>m</NextMarker></PageList>"};
        const bool more = q.target.find("marker=m%202") == std::string::npos;
        return reply{
            .body = more ? "<PageList><PageRange><Start>0</Start><End>511</End></PageRange>"
                           "<NextMarker>m 2</NextMarker></PageList>"
                         : "<PageList><PageRange><Start>1024</Start><End>1535</End></PageRange></PageList>"};
    });
    auto r = s.run(s.client().get_page_ranges(where, conditions::matching({"\"1\""}), {}));
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->size(), 2u);
    EXPECT_EQ((*r)[1].offset, 1024u);
    EXPECT_EQ(s.requests()[1].header("If-Match"), "\"1\"");
    endless = true;
    auto bad = s.run(s.client().get_page_ranges(where, {}, {}));
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind(), kind::protocol);
}

TEST(client_read, damage_is_found) {
    scripted s([](const seen& q) {
        auto r = serve(q);
        r.body[2] ^= 1;
        return r;
    });
    auto d = s.run(s.client().get(where, range{0, 11}, {}, {}));
    ASSERT_TRUE(d);
    std::string text(11, 0);
    auto r = s.run(s.client().read_verified(*d, std::as_writable_bytes(std::span(text.data(), 11)), {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::integrity);
}

TEST(client_read, an_answer_that_ends_early_is_an_error) {
    scripted s([](const seen& q) {
        auto r = serve(q);
        r.cut = 4;
        return r;
    });
    auto d = s.run(s.client().get(where, std::nullopt, {}, {}));
    ASSERT_TRUE(d);
    EXPECT_THAT(read(s, *d), HasSubstr("error: b"));
}

TEST(client_read, empty_blobs) {
    // The service's way: no range of an empty blob exists.
    scripted real([](const seen& q) {
        if (q.headers.has("x-ms-range")) return service_error_reply(416, "InvalidRange");
        return reply{.status = 200, .headers = {{"ETag", "\"e\""}, {"x-ms-meta-a", "b"}}};
    });
    auto d = real.run(real.client().get(where, range{0, 100}, {}, {}));
    ASSERT_TRUE(d) << d.error().describe();
    EXPECT_EQ(d->total, 0u);
    EXPECT_EQ(d->info.metadata.at("a"), "b");
    EXPECT_EQ(read(real, *d), "");
    EXPECT_EQ(real.count(), 2u);
    d = real.run(real.client().get(where, range{0, 0}, {}, {}));
    ASSERT_TRUE(d);
    EXPECT_EQ(real.count(), 3u) << "known to be empty: no range is sent";

    // Azurite's way.
    scripted odd([](const seen&) {
        return reply{.status = 206, .headers = {{"Content-Range", "bytes 0--1/0"}, {"ETag", "\"e\""}}};
    });
    d = odd.run(odd.client().get(where, range{0, 100}, {}, {}));
    ASSERT_TRUE(d) << d.error().describe();
    EXPECT_EQ(d->total, 0u);
}

TEST(client_read, a_range_behind_the_end_is_a_changed_blob) {
    scripted s(serve);
    auto d = s.run(s.client().get(where, range{50, 10}, {}, {}));
    ASSERT_FALSE(d);
    EXPECT_EQ(d.error().kind(), kind::precondition);
    EXPECT_EQ(d.error().status(), 416);
}

TEST(client_read, answers_to_another_question_are_refused) {
    struct row {
        reply answer;
        const char* says;
    };
    for (const auto& [answer, says] : std::initializer_list<row>{
             {{.status = 206, .headers = {{"Content-Range", "bytes 0-4/11"}}, .body = "hello"},
              "another range"},
             {{.status = 206, .headers = {{"Content-Range", "bytes 6-10/11"}}, .body = "wor"},
              "another range"},
             {{.status = 206, .headers = {{"Content-Range", "bytes 6-16/20"}}, .body = "world and so on"},
              "another range"},
             {{.status = 206, .headers = {}, .body = "world"}, "Content-Range"},
             {{.status = 200, .headers = {}, .body = content}, "does not answer ranges"},
         }) {
        scripted s([a = answer](const seen&) { return a; });
        auto d = s.run(s.client().get(where, range{6, 5}, {}, {}));
        ASSERT_FALSE(d) << says;
        EXPECT_EQ(d.error().kind(), kind::protocol);
        EXPECT_THAT(d.error().message(), HasSubstr(says));
        EXPECT_THAT(d.error().message(), HasSubstr("cont/b"));
    }
}

TEST(client_read, head) {
    scripted s([](const seen& q) {
        auto r = serve(q);
        r.headers.emplace_back("Content-Length", "123456789012");
        return r;
    });
    auto p = s.run(s.client().head(where, {}));
    ASSERT_TRUE(p) << p.error().describe();
    EXPECT_EQ(p->size, 123456789012u);
    EXPECT_EQ(p->name, "b");
    EXPECT_EQ(p->content.type, "text/plain");
}

}  // namespace
}  // namespace act::blob::test
