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

TEST(arrow_listing, keeps_what_is_asked_for) {
    arrow::text_builder name("Name"), etag("Etag"), tier("AccessTier"), resource("ResourceType");
    arrow::integer_builder length("Content-Length");
    name.set(0, "a");
    etag.set(0, "0x1");
    tier.set(0, "Cool");
    length.set(0, 7);
    name.set(1, "uncommitted");
    length.set(1, 0);
    name.set(2, "p/");
    resource.set(2, "BlobPrefix");
    const auto read = [&](detail wanted) {
        arrow::table_builder table(3);
        table.add(name);
        table.add(etag);
        table.add(tier);
        table.add(length);
        table.add(resource);
        auto page = read_arrow_listing(finished(table), wanted);
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

TEST(arrow_listing, what_is_no_entry_is_an_error) {
    arrow::text_builder name("Name"), length_text("Content-Length");
    arrow::integer_builder length("Content-Length");
    name.set(0, "a");
    length.set(0, 1);
    length_text.set(0, "1");
    arrow::table_builder nameless(1), sizeless(1), odd(1);
    nameless.add(length);
    sizeless.add(name);
    odd.add(name);
    odd.add(length_text);
    for (auto* table : {&nameless, &sizeless, &odd}) {
        auto page = read_arrow_listing(finished(*table), detail::full);
        ASSERT_FALSE(page);
        EXPECT_EQ(page.error().kind(), kind::protocol);
    }
    // As many rows as one likes, of no column.
    arrow::table_builder many(1u << 30);
    EXPECT_FALSE(read_arrow_listing(finished(many), detail::full));
}

}  // namespace
}  // namespace act::blob
