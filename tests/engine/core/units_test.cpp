#include "engine/core/units.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace act;
using testing::Optional;

TEST(units, sizes_have_three_digits) {
    EXPECT_EQ(human_size(0), "0 B");
    EXPECT_EQ(human_size(312), "312 B");
    EXPECT_EQ(human_size(1023), "1023 B");
    EXPECT_EQ(human_size(1024), "1 KiB");
    EXPECT_EQ(human_size(1536 * MiB), "1.5 GiB");
    EXPECT_EQ(human_size(1234 * KiB), "1.21 MiB");
    EXPECT_EQ(human_size(12 * MiB + 345 * KiB), "12.3 MiB");
    EXPECT_EQ(human_size(123 * GiB + 400 * MiB), "123 GiB");
    EXPECT_EQ(human_size(MiB - 1), "1 MiB");
    EXPECT_EQ(human_size(10 * MiB - 1), "10 MiB");
    EXPECT_EQ(human_size(std::numeric_limits<std::uint64_t>::max()), "16 EiB");
}

TEST(units, durations_change_unit_before_they_round_up_to_it) {
    EXPECT_EQ(human_duration(0), "0 ms");
    EXPECT_EQ(human_duration(-3), "0 ms");
    EXPECT_EQ(human_duration(0.0001), "<1 ms");
    EXPECT_EQ(human_duration(0.045), "45 ms");
    EXPECT_EQ(human_duration(0.9999), "1.0 s");
    EXPECT_EQ(human_duration(12.34), "12.3 s");
    EXPECT_EQ(human_duration(59.99), "1 min 00 s");
    EXPECT_EQ(human_duration(125), "2 min 05 s");
    EXPECT_EQ(human_duration(3720), "1 h 02 min");
    EXPECT_EQ(human_duration(90000), "1 d 01 h");
    EXPECT_EQ(human_duration(std::numeric_limits<double>::infinity()), "forever");
    EXPECT_EQ(human_duration(std::numeric_limits<double>::quiet_NaN()), "0 ms");
}

TEST(units, counts_are_grouped) {
    EXPECT_EQ(human_count(0), "0");
    EXPECT_EQ(human_count(999), "999");
    EXPECT_EQ(human_count(1000), "1,000");
    EXPECT_EQ(human_count(1234567), "1,234,567");
    EXPECT_EQ(human_count(123456), "123,456");
}

TEST(units, sizes_are_read) {
    EXPECT_THAT(parse_size("123"), Optional(123U));
    EXPECT_THAT(parse_size("0"), Optional(0U));
    EXPECT_THAT(parse_size("64k"), Optional(64 * KiB));
    EXPECT_THAT(parse_size("256MiB"), Optional(256 * MiB));
    EXPECT_THAT(parse_size(" 256 mib "), Optional(256 * MiB));
    EXPECT_THAT(parse_size("1.5 GB"), Optional(1'500'000'000U));
    EXPECT_THAT(parse_size("1.5g"), Optional(1536 * MiB));
    EXPECT_THAT(parse_size("7B"), Optional(7U));
    EXPECT_THAT(parse_size("0.1 KB"), Optional(100U));
    EXPECT_THAT(parse_size("18446744073709551615"), Optional(std::numeric_limits<std::uint64_t>::max()));
}

TEST(units, what_is_no_size_is_refused) {
    for (const char* text :
         {"", " ", "-1", "+1", "k", "1kk", "1 x", "1.k", ".5k", "1e3", "0x10", "1kib b", "1bi",
          "18446744073709551616", "16E", "99999999999999999999", "inf", "1.0000000000000000001k"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
}

TEST(units, durations_are_read) {
    EXPECT_THAT(parse_duration("30s"), Optional(30.0));
    EXPECT_THAT(parse_duration("30"), Optional(30.0));
    EXPECT_THAT(parse_duration("250ms"), Optional(0.25));
    EXPECT_THAT(parse_duration("1.5m"), Optional(90.0));
    EXPECT_THAT(parse_duration("2 h"), Optional(7200.0));
    EXPECT_THAT(parse_duration("7d"), Optional(604800.0));
    for (const char* text : {"", "s", "-1s", "1w", "nan", "inf", "1e5", "1..5s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(units, rates_are_read) {
    EXPECT_THAT(parse_rate("500/s"), Optional(500.0));
    EXPECT_THAT(parse_rate("0.5/s"), Optional(0.5));
    EXPECT_THAT(parse_rate("500"), Optional(500.0));
    EXPECT_THAT(parse_rate("3000/min"), Optional(50.0));
    for (const char* text : {"", "/s", "-1/s", "5k/s", "5/d", "1e5", "fast"})
        EXPECT_EQ(parse_rate(text), std::nullopt) << text;
    EXPECT_THAT(parse_byte_rate("60MiB/s"), Optional(60.0 * MiB));
    EXPECT_THAT(parse_byte_rate("1.5 MB"), Optional(1.5e6));
    EXPECT_THAT(parse_byte_rate("100Mbit/s"), Optional(12.5e6));
    EXPECT_THAT(parse_byte_rate("1gbit"), Optional(125e6));
    for (const char* text : {"", "/s", "-1MiB/s", "60MiB/h", "60Mib/m", "bit", "inf"})
        EXPECT_EQ(parse_byte_rate(text), std::nullopt) << text;
}

}  // namespace
