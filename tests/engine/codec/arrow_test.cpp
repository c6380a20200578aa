#include "engine/codec/arrow.hpp"

#include <fstream>
#include <iterator>
#include <random>

#include <gmock/gmock.h>

#include "arrow_show.hpp"
#include "engine/codec/arrow_write.hpp"

namespace act::arrow {
namespace {

using pairs = std::vector<std::pair<std::string_view, std::string_view>>;

std::vector<std::string> good(std::string_view bytes) {
    auto rows = show_rows(bytes);
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

/// Of every kind a column, each with what it is to have in a row.
struct of_each_kind {
    text_builder text{"text"};
    integer_builder integer{"integer"};
    timestamp_builder time{"time"};
    boolean_builder flag{"flag"};

    void set(std::size_t row, unsigned value) {
        text.set(row, std::string(value * value, static_cast<char>('a' + value)));
        integer.set(row, value);
        time.set(row, value);
        flag.set(row, value % 2 == 0);
    }
    void repeat(std::size_t row, std::size_t count) {
        text.repeat(row, count);
        integer.repeat(row, count);
        time.repeat(row, count);
        flag.repeat(row, count);
    }
    std::string finish(std::size_t rows) {
        table_builder table(rows);
        table.add_always(text);
        table.add_always(integer);
        table.add_always(time);
        table.add_always(flag);
        return table.finish(pairs{});
    }
};

TEST(arrow, rows_as_the_row_before) {
    // Runs of a value or of none, of lengths around those of bytes of bits.
    constexpr unsigned none = 4;
    std::mt19937 random(11);
    for (int i = 0; i < 400; ++i) {
        of_each_kind one_by_one, in_runs;
        std::size_t row = 0;
        for (unsigned runs = 1 + random() % 6; runs-- > 0;) {
            const unsigned value = static_cast<unsigned>(random() % (none + 1));
            const std::size_t lengths[] = {1, 2, 7, 8, 9, 16, 100}, count = lengths[random() % 7];
            for (std::size_t n = 0; n < count && value != none; ++n) one_by_one.set(row + n, value);
            if (value != none) in_runs.set(row, value);
            // Of none, a run may be told to go on, or be passed over.
            const bool told = (value != none || random() % 2 == 0) && count > 1;
            if (told) in_runs.repeat(row + 1, count - 1);
            row += count;
        }
        const std::string expected = one_by_one.finish(row);
        EXPECT_EQ(in_runs.finish(row), expected);
        EXPECT_EQ(good(expected).size(), row);
    }
}

TEST(arrow, what_was_never_set_is_not_repeated) {
    text_builder text("text");
    text.repeat(0, 3);
    text.repeat(3, 4);
    EXPECT_FALSE(text.used());
    text.set(9, "x");
    text.repeat(10, 1);
    text.repeat(12, 1);  // behind a row without a value
    table_builder table(13);
    table.add(text);
    std::vector<std::string> expected(13);
    expected[9] = expected[10] = "text=x";
    EXPECT_EQ(good(table.finish(pairs{})), expected);
}

TEST(arrow, a_table_of_nothing) {
    const std::string bytes = table_builder(0).finish(pairs{});
    EXPECT_THAT(good(bytes), ::testing::IsEmpty());
}

TEST(arrow, is_an_error_when_it_stops_early) {
    const std::string bytes = golden();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto rows = show_rows(std::string_view(bytes).substr(0, size));
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
        (void)show_rows(bytes);
    }
}

TEST(arrow, a_map_has_no_more_entries_than_keys) {
    // A plain column with another below it, whose rows were taken for those of the keys.
    std::ifstream in(std::string(ACT_ARROW_GOLDEN_FOLDER) + "/hostile_map.arrows", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(bytes.empty());
    auto rows = show_rows(bytes);
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind(), kind::protocol);
}

TEST(arrow, other_things_are_errors) {
    EXPECT_EQ(show_rows("<?xml version=\"1.0\"?><EnumerationResults/>").error().kind(), kind::protocol);
    EXPECT_EQ(show_rows("").error().kind(), kind::protocol);
    alignas(8) char odd[64] = {};
    EXPECT_FALSE(table_reader::open({odd + 1, 63}));
}

}  // namespace
}  // namespace act::arrow
