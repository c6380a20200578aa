#include "transfer/blob/listing_arrow.hpp"

#include <cstring>
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
    auto page = read_arrow_listing(column_bytes::copy_of(bytes), detail::full);
    ASSERT_TRUE(page) << page.error().describe();
    EXPECT_EQ(page->next_marker, "2!abc");
    ASSERT_EQ(page->size(), 4u);
    const properties one = (*page)[0];
    EXPECT_EQ(one.name, "a/one");
    EXPECT_EQ(one.size, 5u);
    EXPECT_EQ(one.etag.text, "\"0x8DEADBEEF\"");
    EXPECT_EQ(to_iso8601(one.modified), "2026-07-13T09:51:19Z");
    EXPECT_EQ(one.type, blob_type::block);
    EXPECT_EQ(one.tier, "Hot");
    EXPECT_TRUE(one.tier_inferred);
    EXPECT_TRUE(one.is_directory);
    EXPECT_THAT(one.metadata, ::testing::ElementsAre(std::pair("hdi_isfolder", "true"), std::pair("k", "v")));
    EXPECT_EQ((*page)[1].type, blob_type::append);
    EXPECT_EQ((*page)[1].size, UINT64_MAX);
    EXPECT_FALSE((*page)[1].created);
    EXPECT_TRUE((*page)[2].is_directory);
    EXPECT_TRUE((*page)[3].is_prefix);
    EXPECT_EQ((*page)[3].name, "p/");
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
        return read_arrow_listing(column_bytes::copy_of(finished(table)), wanted);
    }
};

TEST(arrow_listing, keeps_what_is_asked_for) {
    const auto read = [](detail wanted) {
        listing l;
        arrow::text_builder tier("AccessTier");
        tier.set(0, "Cool");
        auto page = l.read(wanted, tier);
        EXPECT_TRUE(page) << page.error().describe();
        return page->take();
    };
    const auto brief = read(detail::brief), etags = read(detail::etag), full = read(detail::full);
    EXPECT_EQ(brief[0].etag.text, "");
    EXPECT_EQ(etags[0].etag.text, "\"0x1\"");
    EXPECT_EQ(etags[0].tier, "");
    EXPECT_EQ(full[0].tier, "Cool");
    for (const auto& page : {brief, etags, full}) {
        EXPECT_FALSE(page[0].uncommitted);
        EXPECT_TRUE(page[1].uncommitted);
        EXPECT_TRUE(page[2].is_prefix);
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
    EXPECT_THAT((*page)[0].metadata, ::testing::ElementsAre(std::pair("good", "v")));
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
        auto page = read_arrow_listing(column_bytes::copy_of(finished(table)), detail::full);
        ASSERT_FALSE(page) << without;
        EXPECT_EQ(page.error().kind(), kind::protocol);
    }
    // As many rows as one likes, of no column.
    arrow::table_builder many(1u << 30);
    EXPECT_FALSE(read_arrow_listing(column_bytes::copy_of(finished(many)), detail::full));
}

TEST(arrow_listing, a_column_that_is_there_twice_is_an_error) {
    listing l;
    arrow::integer_builder again("Content-Length");
    again.set(2, 9);
    auto page = l.read(detail::full, again);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind(), kind::protocol);
}

/// Everything that a column can tell, of every other entry only.
TEST(arrow_listing, an_entry_keeps_nothing_of_the_one_before_it) {
    arrow::text_builder name("Name"), etag("Etag"), resource("ResourceType"), type("BlobType"),
        md5("Content-MD5"), version("VersionId");
    arrow::integer_builder length("Content-Length"), days("RemainingRetentionDays");
    arrow::timestamp_builder modified("Last-Modified"), created("Creation-Time"), gone("DeletedTime");
    arrow::boolean_builder deleted("Deleted"), inferred("AccessTierInferred"), current("IsCurrentVersion");
    arrow::map_builder metadata("Metadata"), tags("Tags");
    for (std::size_t row : {0u, 1u, 2u}) name.set(row, "name" + std::to_string(row)), length.set(row, row);
    for (std::size_t row : {0u, 2u}) {
        etag.set(row, "0x1");
        resource.set(row, "directory");
        type.set(row, "PageBlob");
        md5.set(row, "AAAA");
        version.set(row, "2026");
        days.set(row, 3);
        for (auto* time : {&modified, &created, &gone}) time->set(row, 1'000'000'000);
        for (auto* flag : {&deleted, &inferred, &current}) flag->set(row, true);
        for (auto* map : {&metadata, &tags}) map->set(row), map->add("k", "v");
    }
    arrow::table_builder table(3);
    for (auto* c : {&name, &etag, &resource, &type, &md5, &version}) table.add(*c);
    for (auto* c : {&length, &days}) table.add(*c);
    for (auto* c : {&modified, &created, &gone}) table.add(*c);
    for (auto* c : {&deleted, &inferred, &current}) table.add(*c);
    for (auto* c : {&metadata, &tags}) table.add(*c);
    auto page = read_arrow_listing(column_bytes::copy_of(finished(table, "2!next")), detail::full);
    ASSERT_TRUE(page) << page.error().describe();
    EXPECT_EQ(page->next_marker, "2!next");
    const std::string first = show((*page)[0]), last = show((*page)[2]);
    properties plain;
    plain.name = "name1";
    plain.size = 1;
    plain.uncommitted = true;
    EXPECT_EQ(show((*page)[1]), show(plain));
    // Nor does it matter that it was moved away, or in which order they are asked for.
    { const properties taken = std::move((*page)[2]); }
    EXPECT_EQ(show((*page)[0]), first);
    EXPECT_EQ(show((*page)[2]), last);
    page->drop_first(1);
    page->keep_first(1);
    ASSERT_EQ(page->size(), 1u);
    EXPECT_EQ(page->name(0), "name1");
    EXPECT_EQ(show(page->take().at(0)), show(plain));
}

TEST(arrow_listing, times_before_any_that_there_can_be) {
    for (const std::int64_t seconds :
         {INT64_MIN, std::int64_t(-9'223'372'037), std::int64_t(-1), INT64_MAX}) {
        listing l;
        arrow::timestamp_builder created("Creation-Time");
        created.set(0, static_cast<std::uint64_t>(seconds));
        auto page = l.read(detail::full, created);
        ASSERT_TRUE(page);
        ASSERT_TRUE((*page)[0].created);
        EXPECT_EQ((*page)[0].created->time_since_epoch().count() < 0, seconds < 0);
    }
}

/// A stream with the one batch of another, many times.
std::string with_batches(const std::string& stream, std::size_t times) {
    std::uint32_t schema = 0;
    std::memcpy(&schema, stream.data() + 4, sizeof schema);
    const std::string head = stream.substr(0, 8 + schema), end = stream.substr(stream.size() - 8);
    const std::string batch = stream.substr(head.size(), stream.size() - head.size() - end.size());
    std::string out = head;
    for (std::size_t i = 0; i < times; ++i) out += batch;
    return out + end;
}

TEST(arrow_listing, the_rows_of_several_batches_follow_one_another) {
    listing l;
    arrow::table_builder table(3);
    for (auto* c : {&l.name, &l.etag, &l.resource}) table.add(*c);
    table.add(l.length);
    table.add(l.modified);
    const std::string one = table.finish({});
    auto page = read_arrow_listing(column_bytes::copy_of(with_batches(one, 3)), detail::full);
    ASSERT_TRUE(page) << page.error().describe();
    ASSERT_EQ(page->size(), 9u);
    for (std::size_t i = 0; i < 9; ++i) {
        EXPECT_EQ(page->name(i), (*page)[i % 3].name);
        EXPECT_EQ((*page)[i].is_prefix, i % 3 == 2);
        EXPECT_EQ((*page)[i].etag.empty(), i % 3 != 0);
    }
    EXPECT_EQ(page->take().size(), 9u);
    EXPECT_TRUE(page->empty());
    EXPECT_FALSE(read_arrow_listing(column_bytes::copy_of(with_batches(one, 1001)), detail::full));
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
        return read_arrow_listing(column_bytes::copy_of(bytes), detail::full).has_value();
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
