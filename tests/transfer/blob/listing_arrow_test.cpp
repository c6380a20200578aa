#include "transfer/blob/listing_arrow.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "engine/codec/arrow_write.hpp"
#include "show.hpp"

namespace act::blob {
namespace {

std::string finished(arrow::table_builder& table, std::string_view marker = {}) {
    const std::pair<std::string_view, std::string_view> about[] = {{"NextMarker", marker}};
    return table.finish(about);
}

TEST(arrow_listing, entries_of_another_writer) {
    std::ifstream in(ACT_ARROW_GOLDEN, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    auto page = read_arrow_listing(bytes, detail::full);
    ASSERT_TRUE(page) << page.error().describe();
    EXPECT_EQ(page->next_marker, "2!abc");
    ASSERT_EQ(page->items.size(), 4u);
    const properties& one = page->items[0];
    EXPECT_EQ(one.name, "a/one");
    EXPECT_EQ(one.size, 5u);
    EXPECT_EQ(one.etag.text, "\"0x8DEADBEEF\"");
    EXPECT_EQ(to_iso8601(one.modified), "2026-07-13T09:51:19Z");
    EXPECT_EQ(one.type, blob_type::block);
    EXPECT_EQ(one.tier, "Hot");
    EXPECT_TRUE(one.tier_inferred);
    EXPECT_TRUE(one.is_directory);
    EXPECT_THAT(one.metadata, ::testing::ElementsAre(std::pair("hdi_isfolder", "true"), std::pair("k", "v")));
    EXPECT_EQ(page->items[1].type, blob_type::append);
    EXPECT_EQ(page->items[1].size, UINT64_MAX);
    EXPECT_FALSE(page->items[1].created);
    EXPECT_TRUE(page->items[2].is_directory);
    EXPECT_TRUE(page->items[3].is_prefix);
    EXPECT_EQ(page->items[3].name, "p/");
}

/// The columns that every listing has, of three entries.
struct listing {
    arrow::text_builder name{"Name"}, etag{"Etag"}, resource{"ResourceType"};
    arrow::integer_builder length{"Content-Length"};
    arrow::timestamp_builder modified{"Last-Modified"};

    listing() {
        name.set(0, "a");
        etag.set(0, "0x1");
        length.set(0, 7);
        modified.set(0, 1'000'000'000);
        name.set(1, "uncommitted");
        length.set(1, 0);
        name.set(2, "p/");
        resource.set(2, "BlobPrefix");
    }
    template <class... More>
    result<list_page> read(detail wanted, More&... more) {
        arrow::table_builder table(3);
        table.add(name);
        table.add(etag);
        table.add(length);
        table.add(modified);
        table.add(resource);
        (table.add(more), ...);
        return read_arrow_listing(finished(table), wanted);
    }
};

TEST(arrow_listing, keeps_what_is_asked_for) {
    const auto read = [](detail wanted) {
        listing l;
        arrow::text_builder tier("AccessTier");
        tier.set(0, "Cool");
        auto page = l.read(wanted, tier);
        EXPECT_TRUE(page) << page.error().describe();
        return *page;
    };
    const list_page brief = read(detail::brief), etags = read(detail::etag), full = read(detail::full);
    EXPECT_EQ(brief.items[0].etag.text, "");
    EXPECT_EQ(etags.items[0].etag.text, "\"0x1\"");
    EXPECT_EQ(etags.items[0].tier, "");
    EXPECT_EQ(full.items[0].tier, "Cool");
    for (const list_page& page : {brief, etags, full}) {
        EXPECT_FALSE(page.items[0].uncommitted);
        EXPECT_TRUE(page.items[1].uncommitted);
        EXPECT_TRUE(page.items[2].is_prefix);
        EXPECT_EQ(page.next_marker, "");
    }
}

TEST(arrow_listing, a_column_of_another_type_is_not_passed_over) {
    arrow::integer_builder snapshot("Snapshot"), unknown("Something-New");
    arrow::text_builder created("Creation-Time"), deleted("Deleted"), metadata("Metadata");
    snapshot.set(0, 1);
    unknown.set(0, 1);
    created.set(0, "Sun, 22 Nov 2026 17:14:33 GMT");
    deleted.set(0, "true");
    metadata.set(0, "k=v");
    EXPECT_TRUE(listing().read(detail::full, unknown));
    EXPECT_FALSE(listing().read(detail::full, snapshot));
    EXPECT_FALSE(listing().read(detail::full, created));
    EXPECT_FALSE(listing().read(detail::full, deleted));
    EXPECT_FALSE(listing().read(detail::brief, metadata));
}

TEST(arrow_listing, metadata_without_a_proper_name_is_none) {
    arrow::map_builder metadata("Metadata");
    metadata.set(0);
    for (const char* key : {"", "x-ms-invalid-name", "\xc3\xbc", "Good"}) metadata.add(key, "v");
    auto page = listing().read(detail::full, metadata);
    ASSERT_TRUE(page);
    EXPECT_THAT(page->items[0].metadata, ::testing::ElementsAre(std::pair("good", "v")));
}

TEST(arrow_listing, what_is_no_listing_is_an_error) {
    // Without a name, a length, an ETag, a time.
    for (int without = 0; without < 4; ++without) {
        listing l;
        arrow::table_builder table(3);
        if (without != 0) table.add(l.name);
        if (without != 1) table.add(l.etag);
        if (without != 2) table.add(l.length);
        if (without != 3) table.add(l.modified);
        table.add(l.resource);
        // One that is there twice stands for no other.
        table.add(without == 1 ? l.name : l.etag);
        auto page = read_arrow_listing(finished(table), detail::full);
        ASSERT_FALSE(page) << without;
        EXPECT_EQ(page.error().kind(), kind::protocol);
    }
    // As many rows as one likes, of no column.
    arrow::table_builder many(1u << 30);
    EXPECT_FALSE(read_arrow_listing(finished(many), detail::full));
}

TEST(arrow_listing, its_end_is_told_or_the_number_of_its_entries) {
    const auto read = [](std::string_view count, bool closed) {
        listing l;
        arrow::table_builder table(3);
        for (auto* c : {&l.name, &l.etag, &l.resource}) table.add(*c);
        table.add(l.length);
        table.add(l.modified);
        std::vector<std::pair<std::string_view, std::string_view>> about;
        if (!count.empty()) about.emplace_back("NumberOfRecords", count);
        std::string bytes = table.finish(about);
        if (!closed) bytes.resize(bytes.size() - 8);
        return read_arrow_listing(bytes, detail::full).has_value();
    };
    EXPECT_TRUE(read("", true));
    EXPECT_TRUE(read("3", true));
    EXPECT_TRUE(read("3", false));
    EXPECT_FALSE(read("", false));
    EXPECT_FALSE(read("4", true));
    EXPECT_FALSE(read("4", false));
}

}  // namespace
}  // namespace act::blob
