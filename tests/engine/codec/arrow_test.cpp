#include "engine/codec/arrow.hpp"

#include <fstream>
#include <iterator>
#include <random>

#include <gmock/gmock.h>

#include "engine/codec/arrow_write.hpp"

namespace act::arrow {
namespace {

using pairs = std::vector<std::pair<std::string_view, std::string_view>>;

/// Every value of a stream, by row and column; or the error.
std::string show(const table_reader& table, const batch& b, std::size_t row) {
    std::string out;
    for (std::size_t i = 0; i < b.columns.size(); ++i) {
        const column& c = b.columns[i];
        if (!c.has(row)) continue;
        out += (out.empty() ? "" : " ") + table.names()[i] + "=";
        switch (c.what()) {
            case type::boolean:
                out += c.boolean(row) ? "yes" : "no";
                break;
            case type::integer:
                out += std::to_string(c.integer(row));
                break;
            case type::timestamp:
                out += std::to_string(c.timestamp(row)) + "ns";
                break;
            case type::text:
                out += c.text(row);
                break;
            case type::map:
                out += "{";
                for (auto [at, end] = c.entries(row); at < end; ++at) {
                    out += std::string(c.keys().text(at)) + ":";
                    out += std::string(c.map_values().text(at)) + ";";
                }
                out += "}";
                break;
            case type::nothing:
            case type::other:
                break;
        }
    }
    return out;
}

result<std::vector<std::string>> read(std::string_view bytes) {
    // At a place as malloc would give, and with nothing behind it that may be read.
    std::vector<char> copy(bytes.begin(), bytes.end());
    ACT_TRY(auto table, table_reader::open({copy.data(), copy.size()}));
    std::vector<std::string> out;
    batch b;
    for (;;) {
        ACT_TRY(const bool more, table.next(b));
        if (!more) return out;
        for (std::size_t row = 0; row < b.rows; ++row) out.push_back(show(table, b, row));
    }
}

std::vector<std::string> good(std::string_view bytes) {
    auto rows = read(bytes);
    if (rows) return *rows;
    ADD_FAILURE() << rows.error().describe();
    return {};
}

std::string golden() {
    std::ifstream in(std::string(ACT_ARROW_GOLDEN_FOLDER) + "/listing.arrows", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(arrow, reads_what_others_write) {
    EXPECT_THAT(
        good(golden()),
        ::testing::ElementsAre(
            "Name=a/one Etag=0x8DEADBEEF Content-Length=5 TagCount=1 Last-Modified=1783936279000000000ns "
            "Creation-Time=1783936279123000000ns AccessTierInferred=yes BlobType=BlockBlob AccessTier=Hot "
            "Metadata={k:v;HDI_isfolder:true;}",
            "Name=zwei é Etag=\"0x2\" Content-Length=18446744073709551615 TagCount=18446744073709551614 "
            "Last-Modified=1000000000ns AccessTierInferred=no BlobType=AppendBlob",
            "Name=dir Etag=0x3 Content-Length=0 Last-Modified=0ns Creation-Time=0ns BlobType=PageBlob "
            "ResourceType=directory Metadata={a:;}",
            "Name=p/ ResourceType=blobprefix"));
    const std::string bytes = golden();
    auto table = table_reader::open(bytes);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->metadata("NextMarker"), "2!abc");
    EXPECT_EQ(table->metadata("NumberOfRecords"), "4");
    EXPECT_EQ(table->metadata("nextmarker"), std::nullopt);
}

TEST(arrow, reads_what_it_writes) {
    for (const std::size_t rows : {1, 7, 8, 9, 100}) {
        text_builder name("name"), same("same"), seldom("seldom"), never("never");
        integer_builder size("size");
        timestamp_builder time("time");
        boolean_builder flag("flag");
        map_builder map("map");
        std::vector<std::string> expected;
        for (std::size_t row = 0; row < rows; ++row) {
            const std::string n = std::to_string(row);
            std::string line = "name=n" + n;
            name.set(row, "n" + n);
            // In runs, with a hole now and then.
            if (row % 10 != 3) {
                same.set(row, row < 50 ? "one" : "other");
                line += row < 50 ? " same=one" : " same=other";
            }
            if (row == 5) seldom.set(row, ""), line += " seldom=";
            size.set(row, row * 1'000'000'007);
            line += " size=" + std::to_string(row * 1'000'000'007);
            time.set(row, row);
            line += " time=" + std::to_string(row * 1'000'000'000) + "ns";
            if (row % 3 != 1) flag.set(row, row % 2 == 0), line += row % 2 == 0 ? " flag=yes" : " flag=no";
            if (row % 4 == 2) {
                map.set(row);
                line += " map={";
                for (std::size_t i = 0; i < row % 3; ++i) {
                    map.add("k" + std::to_string(i), n);
                    line += "k" + std::to_string(i) + ":" + n + ";";
                }
                line += "}";
            }
            expected.push_back(line);
        }
        table_builder table(rows);
        table.add(name);
        table.add(same);
        table.add(seldom);
        table.add(never);
        table.add(size);
        table.add(time);
        table.add(flag);
        table.add(map);
        const std::string bytes = table.finish(pairs{{"NextMarker", "x"}});
        EXPECT_EQ(bytes.size() % 8, 0u);
        EXPECT_EQ(good(bytes), expected);
    }
}

TEST(arrow, a_table_of_nothing) {
    const std::string bytes = table_builder(0).finish(pairs{});
    EXPECT_THAT(good(bytes), ::testing::IsEmpty());
}

TEST(arrow, is_an_error_when_it_stops_early) {
    const std::string bytes = golden();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto rows = read(std::string_view(bytes).substr(0, size));
        // Between two messages it may: then it is not closed.
        if (rows) {
            auto table = table_reader::open(std::string_view(bytes).substr(0, size));
            batch b;
            while (*table->next(b)) {
            }
            EXPECT_FALSE(table->closed());
            EXPECT_THAT(size, ::testing::AnyOf(984u, bytes.size() - 8));
            continue;
        }
        EXPECT_EQ(rows.error().kind(), kind::protocol);
    }
}

TEST(arrow, survives_any_damage) {
    // What this proves is shown by the sanitizers: no read outside of the bytes.
    std::mt19937 random(7);
    const std::string whole = golden();
    for (int i = 0; i < 5'000; ++i) {
        std::string bytes = whole;
        for (unsigned n = 1 + random() % 3; n-- > 0;) {
            const std::size_t at = random() % bytes.size();
            const std::uint32_t values[] = {0, 1, 0x7f, 0xff, static_cast<std::uint32_t>(random())};
            bytes[at] = static_cast<char>(values[random() % 5]);
        }
        (void)read(bytes);
    }
}

TEST(arrow, a_map_has_no_more_entries_than_keys) {
    // A plain column with another below it, whose rows were taken for those of the keys.
    std::ifstream in(std::string(ACT_ARROW_GOLDEN_FOLDER) + "/hostile_map.arrows", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(bytes.empty());
    auto rows = read(bytes);
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind(), kind::protocol);
}

TEST(arrow, other_things_are_errors) {
    EXPECT_EQ(read("<?xml version=\"1.0\"?><EnumerationResults/>").error().kind(), kind::protocol);
    EXPECT_EQ(read("").error().kind(), kind::protocol);
    alignas(8) char odd[64] = {};
    EXPECT_FALSE(table_reader::open({odd + 1, 63}));
}

}  // namespace
}  // namespace act::arrow
