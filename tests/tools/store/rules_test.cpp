#include <gmock/gmock.h>

#include "tools/store/conditions.hpp"
#include "tools/store/listing.hpp"
#include "tools/store/tag_query.hpp"

namespace act::store {
namespace {

constexpr nanos second = 1'000'000'000;
constexpr nanos noon = 1'767'268'800 * second;  // 2026-01-01T12:00:00Z

// ---- conditions

class conditions_test : public testing::Test {
protected:
    call c(std::vector<std::pair<std::string, std::string>> headers) {
        fields_.clear();
        for (const auto& [name, value] : headers) fields_.add(name, value);
        call out;
        out.headers = &fields_;
        out.now = from_nanos(noon);
        return out;
    }
    std::string check(std::vector<std::pair<std::string, std::string>> headers, purpose p,
                      bool exists = true) {
        state s;
        s.exists = exists;
        s.etag = 0xAB;
        s.modified = noon + second / 2;
        auto done = check_conditions(c(std::move(headers)), s, p);
        return done ? "ok" : std::to_string(done.error().status()) + " " + done.error().name();
    }
    http::fields fields_;
};

TEST_F(conditions_test, table) {
    const std::string mine = "\"0xAB\"", other = "\"0xCD\"", unmet = "412 ConditionNotMet",
                      same = "304 ConditionNotMet";
    const std::string at = to_http_date(from_nanos(noon)), before = to_http_date(from_nanos(noon - second)),
                      after = to_http_date(from_nanos(noon + second));
    for (purpose p : {purpose::read, purpose::write}) {
        const std::string unchanged = p == purpose::read ? same : unmet;
        EXPECT_EQ(check({}, p), "ok");
        EXPECT_EQ(check({{"If-Match", mine}}, p), "ok");
        EXPECT_EQ(check({{"If-Match", "0xAB"}}, p), "ok");
        EXPECT_EQ(check({{"If-Match", "*"}}, p), "ok");
        EXPECT_EQ(check({{"If-Match", other + ", " + mine}}, p), "ok");
        EXPECT_EQ(check({{"If-Match", other}}, p), unmet);
        EXPECT_EQ(check({{"If-Match", "*"}}, p, false), unmet);
        EXPECT_EQ(check({{"If-None-Match", mine}}, p), unchanged);
        EXPECT_EQ(check({{"If-None-Match", "*"}}, p), unchanged);
        EXPECT_EQ(check({{"If-None-Match", "*"}}, p, false), "ok");
        EXPECT_EQ(check({{"If-None-Match", other}}, p), "ok");
        EXPECT_EQ(check({{"If-Modified-Since", before}}, p), "ok");
        EXPECT_EQ(check({{"If-Modified-Since", at}}, p), unchanged);
        EXPECT_EQ(check({{"If-Modified-Since", after}}, p), unchanged);
        EXPECT_EQ(check({{"If-Unmodified-Since", before}}, p), unmet);
        EXPECT_EQ(check({{"If-Unmodified-Since", at}}, p), "ok");
        // The ETag decides where both are given.
        EXPECT_EQ(check({{"If-None-Match", other}, {"If-Modified-Since", after}}, p), "ok");
        EXPECT_EQ(check({{"If-Match", mine}, {"If-Unmodified-Since", before}}, p), "ok");
    }
    EXPECT_EQ(check({{"If-None-Match", "*"}}, purpose::create), "409 BlobAlreadyExists");
    EXPECT_EQ(check({{"If-None-Match", mine}}, purpose::create), unmet);
    EXPECT_EQ(check({{"If-Match", mine}, {"If-None-Match", other}}, purpose::write),
              "400 MultipleConditionHeadersNotSupported");
    EXPECT_EQ(check({{"If-Match", mine}, {"If-None-Match", other}}, purpose::read), "ok");
    EXPECT_EQ(check({{"If-Modified-Since", "yesterday"}}, purpose::read), "400 InvalidHeaderValue");
    EXPECT_EQ(check({{"x-ms-source-if-match", other}}, purpose::source), "412 SourceConditionNotMet");
    EXPECT_EQ(check({{"x-ms-source-if-none-match", mine}}, purpose::source), "412 SourceConditionNotMet");
    EXPECT_EQ(check({{"If-Match", other}}, purpose::source), "ok");
}

TEST_F(conditions_test, leases) {
    const std::string id = "11111111-2222-3333-4444-55555555555a",
                      wrong = "99999999-2222-3333-4444-555555555555";
    lease none, held, over, breaking;
    held = {lease::phase::held, id, 15, noon + second};
    over = {lease::phase::held, id, 15, noon};
    breaking = {lease::phase::breaking, id, 15, noon + second};
    auto check = [&](const lease& l, const std::string& given, bool needed) -> std::string {
        auto done = check_lease(
            c(given.empty() ? std::vector<std::pair<std::string, std::string>>()
                            : std::vector<std::pair<std::string, std::string>>{{"x-ms-lease-id", given}}),
            l, leased::blob, needed);
        return done ? "ok" : done.error().name();
    };
    EXPECT_EQ(check(none, "", true), "ok");
    EXPECT_EQ(check(none, id, true), "LeaseNotPresentWithBlobOperation");
    EXPECT_EQ(check(held, "", true), "LeaseIdMissing");
    EXPECT_EQ(check(held, "", false), "ok");
    EXPECT_EQ(check(held, "11111111-2222-3333-4444-55555555555A", true), "ok");
    EXPECT_EQ(check(held, wrong, false), "LeaseIdMismatchWithBlobOperation");
    EXPECT_EQ(check(breaking, "", true), "LeaseIdMissing");
    EXPECT_EQ(check(over, "", true), "ok");
    EXPECT_EQ(check(over, id, true), "LeaseLost");
    EXPECT_EQ(over.at(noon), lease::state::expired);
    EXPECT_EQ(breaking.at(noon + second), lease::state::broken);
    EXPECT_EQ(after_change(over, noon).phase, lease::phase::none);
    EXPECT_EQ(after_change(held, noon).phase, lease::phase::held);
}

// ---- tags

TEST(tag_query, decides_over_tags) {
    std::string tags;
    packed::add(tags, "project", "act");
    packed::add(tags, "size", "10");
    auto holds = [&](const char* text) {
        const auto q = tag_query::parse(text);
        EXPECT_TRUE(q) << text;
        return q && q->matches(tags, "box");
    };
    EXPECT_TRUE(holds("\"project\" = 'act'"));
    EXPECT_TRUE(holds("project='act' AND \"size\" >= '10'"));
    EXPECT_FALSE(holds("\"project\" = 'act' AND \"size\" > '10'"));
    EXPECT_TRUE(holds("\"project\" = 'x' OR (\"size\" < '2' AND \"project\" <> 'x')"));
    EXPECT_TRUE(holds("NOT \"missing\" = 'x'"));
    EXPECT_FALSE(holds("\"missing\" <> 'x'"));
    EXPECT_TRUE(holds("@container = 'box' and \"size\" = '10'"));
    for (const char* bad :
         {"", "\"a\"", "\"a\" = b", "\"a\" = 'b", "\"a\" = 'b' AND", "(\"a\" = 'b'", "\"a\" = 'b') "}) {
        EXPECT_FALSE(tag_query::parse(bad)) << bad;
    }
    EXPECT_FALSE(tag_query::parse(std::string(100'000, '(')));
}

// ---- requests

TEST(target, account_container_and_blob) {
    http::fields none;
    auto parse = [&](const std::string& target, const std::string& host = "127.0.0.1:10000") -> std::string {
        call c;
        c.headers = &none;
        c.target = target;
        auto done = parse_target(c, "acct", host);
        return done ? c.container + "|" + c.blob : done.error().name();
    };
    EXPECT_EQ(parse("/acct?comp=list"), "|");
    EXPECT_EQ(parse("/acct/?comp=list"), "|");
    EXPECT_EQ(parse("/acct/box?restype=container"), "box|");
    EXPECT_EQ(parse("/acct/box/"), "box|");
    EXPECT_EQ(parse("/acct/box/a%20b/c%2Fd+e"), "box|a b/c/d+e");
    EXPECT_EQ(parse("/acct/file.txt"), "$root|file.txt");
    EXPECT_EQ(parse("/acct-secondary/box/x"), "box|x");
    EXPECT_EQ(parse("/box/x", "acct.blob.localhost"), "box|x");
    EXPECT_EQ(parse("http://127.0.0.1/acct/box/x"), "box|x");
    EXPECT_EQ(parse("/other/box/x"), "AuthenticationFailed");
    EXPECT_EQ(parse("/acct/Box/x"), "InvalidResourceName");
    EXPECT_EQ(parse("/acct/b/x"), "OutOfRangeInput");
    EXPECT_EQ(parse("/acct/box/%zz"), "InvalidUri");
    EXPECT_EQ(parse("/acct/box/a/../b"), "InvalidResourceName");
    EXPECT_EQ(parse("/acct/box/" + std::string(1025, 'x')), "InvalidResourceName");
}

TEST(marker, survives_urls_and_refuses_what_it_did_not_make) {
    for (std::string position : {std::string("a"),
                                 std::string("b/\xc3\xbc\0"
                                             "2026",
                                             9),
                                 std::string(4000, '\xff')}) {
        const std::string marker = make_marker(position);
        EXPECT_EQ(marker.find_first_of("+/=&%?"), std::string::npos);
        call c;
        c.query.emplace_back("marker", marker);
        EXPECT_EQ(*read_marker(c), position);
    }
    call c;
    c.query.emplace_back("marker", "nonsense");
    EXPECT_FALSE(read_marker(c));
}

}  // namespace
}  // namespace act::store
