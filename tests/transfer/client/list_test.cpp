#include <gmock/gmock.h>

#include "engine/codec/arrow_write.hpp"
#include "scripted.hpp"
#include "transfer/blob/listing_arrow.hpp"

namespace act::blob::test {
namespace {

using testing::HasSubstr;

std::string page(int from, int to, const std::string& marker) {
    std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>";
    for (int i = from; i < to; ++i) {
        out += "<Blob><Name>n" + std::to_string(i) + "</Name><Properties><Etag>0x1</Etag><Content-Length>" +
               std::to_string(i) + "</Content-Length></Properties></Blob>";
    }
    return out + "</Blobs><NextMarker>" + marker + "</NextMarker></EnumerationResults>";
}

TEST(client_list, a_page) {
    scripted s([](const seen&) { return reply{.body = page(0, 5000, "m&amp;1")}; });
    list_options o;
    o.prefix = "a/b c&";
    o.delimiter = "/";
    o.marker = "x=y";
    o.max_results = 10;
    o.tags = o.copy = o.deleted = o.uncommitted = o.versions = o.snapshots = true;
    auto r = s.run(s.client().list("cont", o, {}));
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->size(), 5000u);
    EXPECT_EQ((*r)[4999].name, "n4999");
    EXPECT_EQ((*r)[4999].size, 4999u);
    EXPECT_EQ((*r)[4999].etag.text, "\"0x1\"");
    EXPECT_EQ(r->next_marker, "m&1");
    EXPECT_EQ(s.requests()[0].target,
              "/cont?restype=container&comp=list&prefix=a%2Fb%20c%26&delimiter=%2F&marker=x%3Dy&maxresults=10"
              "&include=copy%2Cdeleted%2Cmetadata%2Csnapshots%2Cuncommittedblobs%2Cversions%2Ctags");
    ASSERT_TRUE(s.run(s.client().list("cont", {}, {})));
    EXPECT_EQ(s.requests()[1].target, "/cont?restype=container&comp=list&include=metadata");
}

TEST(client_list, a_connection_that_breaks_within_the_page_costs_a_try) {
    scripted s([n = 0](const seen&) mutable {
        reply r{.body = page(0, 2000, "")};
        if (n++ < 2) r.cut = r.body.size() / 2;
        return r;
    });
    auto r = s.run(s.client().list("cont", {}, {}));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->size(), 2000u);
    EXPECT_EQ(s.count(), 3u);
}

TEST(client_list, a_page_that_stops_early_is_never_a_short_listing) {
    scripted s([](const seen&) {
        auto text = page(0, 10, "");
        return reply{.body = text.substr(0, text.size() - 10)};
    });
    auto r = s.run(s.client().list("cont", {}, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::protocol);
    EXPECT_THAT(r.error().message(), HasSubstr("listing of container cont"));
    EXPECT_EQ(s.count(), 1u);
}

TEST(client_list, some_proxy_answers) {
    scripted s([](const seen&) { return reply{.body = "<html><body>Please log in</body></html>"}; });
    auto r = s.run(s.client().list("cont", {}, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::protocol);
    EXPECT_FALSE(r.error().advice().empty());
}

/// A page in columns, of one blob.
reply columns(const std::string& of, const std::string& marker = "") {
    arrow::text_builder name("Name"), etag("Etag");
    arrow::integer_builder length("Content-Length");
    arrow::timestamp_builder modified("Last-Modified");
    name.set(0, of);
    etag.set(0, "0x1");
    length.set(0, 3);
    modified.set(0, 1);
    arrow::table_builder table(1);
    table.add(name);
    table.add(etag);
    table.add(length);
    table.add(modified);
    const std::pair<std::string_view, std::string_view> about[] = {{"NextMarker", marker}};
    return {.headers = {{"Content-Type", arrow_type}}, .body = table.finish(about)};
}

TEST(client_list, a_page_in_columns) {
    scripted s([](const seen&) { return columns("a", "more"); });
    auto r = s.run(s.client().list("cont", {}, {}));
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->size(), 1u);
    EXPECT_EQ((*r)[0].name, "a");
    EXPECT_EQ(r->next_marker, "more");
    EXPECT_EQ(s.requests()[0].header("Accept"), arrow_type);
    EXPECT_EQ(s.requests()[0].header("x-ms-version"), arrow_version);
}

TEST(client_list, columns_that_break_off_cost_a_try) {
    scripted s([n = 0](const seen&) mutable {
        reply r = columns("a");
        if (n++ < 1) r.cut = r.body.size() / 2;
        return r;
    });
    auto r = s.run(s.client().list("cont", {}, {}));
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(s.count(), 2u);
    EXPECT_EQ(s.requests()[1].header("Accept"), arrow_type);
}

TEST(client_list, who_refuses_the_version_is_asked_in_an_older_one) {
    for (const auto& [status, code] : {std::pair(400, "InvalidHeaderValue"), std::pair(501, "NotImplemented"),
                                       std::pair(409, "FeatureVersionMismatch")}) {
        scripted s([status = status, code = code](const seen& q) {
            if (q.header("x-ms-version") == service_version) return reply{.body = page(0, 2, "")};
            return service_error_reply(status, code);
        });
        for (unsigned asked : {2u, 3u}) {
            auto r = s.run(s.client().list("cont", {}, {}));
            ASSERT_TRUE(r) << r.error().describe();
            EXPECT_EQ(r->size(), 2u);
            EXPECT_EQ(s.count(), asked) << code;
        }
        EXPECT_EQ(s.requests()[1].header("Accept"), "");
        EXPECT_EQ(s.requests()[2].header("x-ms-version"), service_version);
    }
}

TEST(client_list, columns_that_are_not_understood_are_asked_for_once) {
    scripted s([](const seen& q) {
        if (q.header("Accept").empty()) return reply{.body = page(0, 2, "")};
        reply out = columns("a");
        out.body.resize(out.body.size() - 16);
        return out;
    });
    list_options o;
    o.marker = "of the same version";
    for (unsigned asked : {2u, 3u}) {
        auto r = s.run(s.client().list("cont", o, {}));
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->size(), 2u);
        EXPECT_EQ(s.count(), asked);
        EXPECT_EQ(s.requests().back().header("x-ms-version"), arrow_version);
    }
}

TEST(client_list, what_is_wrong_in_any_version_is_not_held_against_this_one) {
    scripted s([n = 0](const seen&) mutable {
        return n++ < 2 ? service_error_reply(400, "InvalidQueryParameterValue") : columns("a");
    });
    auto r = s.run(s.client().list("cont", {}, {}));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code(), "InvalidQueryParameterValue");
    ASSERT_TRUE(s.run(s.client().list("cont", {}, {})));
    EXPECT_EQ(s.requests()[2].header("Accept"), arrow_type);
}

TEST(client_list, containers_of_all_pages) {
    scripted s([](const seen& q) {
        bool first = q.target.find("marker") == q.target.npos;
        return reply{
            .body =
                std::string("<EnumerationResults><Containers><Container><Name>c") + (first ? "1" : "2") +
                "</Name><Properties><Etag>\"1\"</Etag></Properties></Container></Containers><NextMarker>" +
                (first ? "more" : "") + "</NextMarker></EnumerationResults>"};
    });
    auto r = s.run(s.client().list_containers("c", {}));
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->size(), 2u);
    EXPECT_EQ((*r)[1].name, "c2");
    EXPECT_EQ(s.requests()[1].target, "/?comp=list&prefix=c&marker=more");

    scripted endless([](const seen&) {
        return reply{.body = "<EnumerationResults><NextMarker>same</NextMarker></EnumerationResults>"};
    });
    EXPECT_FALSE(endless.run(endless.client().list_containers("", {})));
}

TEST(client_list, containers) {
    scripted s([](const seen& q) {
        if (q.method == "DELETE") return reply{.status = 202, .headers = {}};
        if (q.method == "PUT") return reply{.status = 201, .headers = {}};
        return reply{.status = 200, .headers = {{"ETag", "\"1\""}, {"x-ms-meta-a", "b"}}};
    });
    EXPECT_TRUE(s.run(s.client().create_container("cont", {})));
    EXPECT_EQ(s.run(s.client().container_properties("cont", {})).value().metadata.at("a"), "b");
    EXPECT_TRUE(s.run(s.client().delete_container("cont", {})));
    for (const auto& q : s.requests()) EXPECT_EQ(q.target, "/cont?restype=container");
}

}  // namespace
}  // namespace act::blob::test
