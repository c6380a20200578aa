#include "engine/core/clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace act;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing::Optional;

wall_time at(std::int64_t s, std::int64_t nanos = 0) { return wall_time(seconds(s) + nanoseconds(nanos)); }

TEST(clock, http_dates_both_ways) {
    EXPECT_EQ(to_http_date(at(1435361952)), "Fri, 26 Jun 2015 23:39:12 GMT");
    EXPECT_THAT(parse_http_date("Fri, 26 Jun 2015 23:39:12 GMT"), Optional(at(1435361952)));
    EXPECT_EQ(to_http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(to_http_date(at(-1, 999999999)), "Wed, 31 Dec 1969 23:59:59 GMT");
    for (std::int64_t s = -9'000'000'000; s < 9'000'000'000; s += 123'456'789) {
        EXPECT_THAT(parse_http_date(to_http_date(at(s))), Optional(at(s)));
        EXPECT_THAT(parse_iso8601(to_iso8601(at(s))), Optional(at(s)));
    }
}

TEST(clock, bad_http_dates_are_refused) {
    for (const char* text :
         {"", "Fri, 26 Jun 2015", "Fri, 26 Jun 2015 23:39:12", "Fri, 26 Jun 2015 23:39:12 GMT ",
          "Fri, 31 Feb 2015 00:00:00 GMT", "Fri, 26 Jux 2015 23:39:12 GMT", "Fri, 26 Jun 2015 24:00:00 GMT",
          "Fri, 1 Jun 2015 23:39:12 GMT", "Fri, 26 Jun 9999 23:39:12 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"}) {
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
    }
}

TEST(clock, iso_dates_are_written) {
    EXPECT_EQ(to_iso8601(at(1767323045)), "2026-01-02T03:04:05Z");
    EXPECT_EQ(to_iso8601_nanos(at(1767323045)), "2026-01-02T03:04:05Z");
    EXPECT_EQ(to_iso8601_nanos(at(1767323045, 1)), "2026-01-02T03:04:05.000000001Z");
    EXPECT_EQ(to_iso8601_nanos(at(1767323045, 120000000)), "2026-01-02T03:04:05.120000000Z");
    EXPECT_EQ(to_iso8601_nanos(at(-1, 5)), "1969-12-31T23:59:59.000000005Z");
}

TEST(clock, iso_dates_are_read) {
    EXPECT_THAT(parse_iso8601("2026-01-02T03:04:05Z"), Optional(at(1767323045)));
    EXPECT_THAT(parse_iso8601("2026-01-02"), Optional(at(1767312000)));
    EXPECT_THAT(parse_iso8601("2026-01-02T03:04Z"), Optional(at(1767323040)));
    EXPECT_THAT(parse_iso8601("2026-01-02T03:04:05.1234567Z"), Optional(at(1767323045, 123456700)));
    EXPECT_THAT(parse_iso8601("2026-01-02T03:04:05.123456789+00:00"), Optional(at(1767323045, 123456789)));
    EXPECT_THAT(parse_iso8601("2026-01-02T05:34:05+02:30"), Optional(at(1767323045)));
    EXPECT_THAT(parse_iso8601("2026-01-01T19:04:05-0800"), Optional(at(1767323045)));
    EXPECT_THAT(parse_iso8601("2016-12-31T23:59:60Z"), Optional(at(1483228800)));
    EXPECT_THAT(parse_iso8601("2024-02-29"), Optional(at(1709164800)));
}

TEST(clock, bad_iso_dates_are_refused) {
    for (const char* text : {"", "2026", "2026-1-2", "2026-01-02T", "2026-01-02T03:04:05",
                             "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.1234567890Z", "2026-02-29",
                             "2026-13-01", "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z",
                             "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+1", "2026-01-02T03:04:05+25:00",
                             "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-02x", "-026-01-02"}) {
        EXPECT_EQ(parse_iso8601(text), std::nullopt) << text;
    }
}

}  // namespace
