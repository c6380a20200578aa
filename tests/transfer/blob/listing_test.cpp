#include "listing_oracle.hpp"

namespace act::blob {
namespace {

TEST(listing, agrees_with_a_document_tree_on_random_listings) {
    for (unsigned seed = 0; seed < 150; ++seed) {
        auto text = generator(seed).document(static_cast<int>(seed % 20));
        std::string marker;
        auto wanted = oracle(text, marker);
        for (std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
            auto got = scan(text, piece);
            ASSERT_TRUE(got.ended) << seed << text;
            ASSERT_EQ(got.items, wanted) << text;
            ASSERT_EQ(got.marker, marker);
        }
    }
}

TEST(listing, a_chunk_may_end_anywhere) {
    auto text = generator(77).document(12);
    auto whole = scan(text);
    ASSERT_TRUE(whole.ended);
    for (std::size_t at = 1; at < text.size(); ++at) {
        auto got = scan(text, 0, at);
        ASSERT_TRUE(got.ended) << at;
        ASSERT_EQ(got.items, whole.items) << at;
        ASSERT_EQ(got.marker, whole.marker) << at;
    }
}

TEST(listing, a_listing_cut_short_is_an_error_at_every_byte) {
    auto text = generator(78).document(6);
    while (text.back() != '>' || !text.ends_with("</EnumerationResults>")) text.pop_back();
    for (std::size_t n = 0; n < text.size(); ++n) {
        auto got = scan(std::string_view(text).substr(0, n));
        ASSERT_FALSE(got.ended) << n;
        ASSERT_EQ(got.ended.error().kind(), kind::protocol);
    }
}

TEST(listing, damaged_documents_give_errors_or_entries_but_never_worse) {
    std::mt19937 random(5);
    auto text = generator(79).document(8);
    for (int round = 0; round < 1500; ++round) {
        auto broken = text;
        for (int i = 0; i < 3; ++i) broken[random() % broken.size()] = "<>/&;\"'!-[] a\0"[random() % 14];
        auto got = scan(broken, random() % 3 == 0 ? 1 + random() % 50 : 0);
        if (!got.ended) ASSERT_EQ(got.ended.error().kind(), kind::protocol);
    }
}

TEST(listing, a_brief_one_keeps_flags_and_leaves_out_what_it_says) {
    const std::string text =
        "<EnumerationResults><Blobs>"
        "<Blob><Name>a</Name><Properties><Creation-Time>Sun, 22 Nov 2026 05:48:52 GMT</Creation-Time>"
        "<Last-Modified>Sun, 22 Nov 2026 05:48:53 GMT</Last-Modified><Etag>0x1</Etag>"
        "<Content-Length>7</Content-Length><Content-Type>t</Content-Type><BlobType>PageBlob</BlobType>"
        "<AccessTier>Hot</AccessTier><LeaseState>leased</LeaseState><CopyStatus>pending</CopyStatus></"
        "Properties>"
        "<Metadata><HDI_isfolder>true</HDI_isfolder><k>v</k></Metadata>"
        "<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags></Blob>"
        "<Blob><Name>b</Name><Snapshot>s</Snapshot><Properties><Content-Length>1</Content-Length></"
        "Properties>"
        "</Blob></Blobs><NextMarker /></EnumerationResults>";
    for (detail wanted : {detail::brief, detail::etag}) {
        listing_scanner s(wanted, 5000);
        ASSERT_TRUE(s.feed(text));
        ASSERT_TRUE(s.finish());
        ASSERT_EQ(s.items().size(), 2u);
        const properties& a = s.items()[0];
        EXPECT_EQ(a.etag.text, wanted == detail::etag ? "\"0x1\"" : "");
        EXPECT_EQ(a.size, 7u);
        EXPECT_EQ(to_iso8601(a.modified), "2026-11-22T05:48:53Z");
        EXPECT_EQ(a.type, blob_type::page);
        EXPECT_EQ(a.copy_status, "pending");
        EXPECT_TRUE(a.is_directory);
        EXPECT_FALSE(a.uncommitted);
        EXPECT_FALSE(a.created);
        EXPECT_TRUE(a.metadata.empty() && a.tags.empty() && a.tier.empty() && a.lease_state.empty());
        EXPECT_TRUE(a.content.type.empty());
        EXPECT_TRUE(s.items()[1].uncommitted);
        EXPECT_EQ(s.items()[1].snapshot, "s");
    }
}

const std::string head = "<EnumerationResults><Blobs>";
const std::string tail = "</Blobs><NextMarker/></EnumerationResults>";
const std::string size = "<Properties><Content-Length>1</Content-Length></Properties>";

TEST(listing, what_is_wrong_is_said) {
    struct row {
        std::string text;
        const char* says;
    };
    for (const auto& [text, says] : std::initializer_list<row>{
             {"<html><body>login</body></html>", "<html>"},
             {"<Error><Code>x</Code></Error>", "<Error>"},
             {"<!DOCTYPE html>", "document type"},
             {"plain", "outside"},
             {"", "cut short"},
             {head + "<Blob><Name>a</Name></Blob>" + tail, "Content-Length"},
             {head + "<Blob>" + size + "</Blob>" + tail, "without a name"},
             {head + "<BlobPrefix/>" + tail, "without a name"},
             {head + "<Blob><Name>a</Nam></Blob>" + tail, "closes another"},
             {head + "<Blob><Name>&bad;</Name>" + size + "</Blob>" + tail, "entity"},
             {head + "<Blob><Name Encoded=\"true\">%zz</Name>" + size + "</Blob>" + tail, "does not decode"},
             {head +
                  "<Blob><Name>a</Name><Properties><Content-Length>1x</Content-Length></Properties></Blob>" +
                  tail,
              "no number"},
             {head +
                  "<Blob><Name>a</Name><Properties><Content-Length>1</Content-Length><Last-Modified>now</"
                  "Last-Modified>"
                  "</Properties></Blob>" +
                  tail,
              "Last-Modified"},
             {head + tail + "<more/>", "second root"},
             {head + tail + "text", "outside"},
             {head + "<" + std::string(200'000, 'x'), "endless tag"},
             {head + "<!-- " + std::string(200'000, 'x'), "endless tag"},
             {head + "<Blob><Name>" + std::string(2'000'000, 'x'), "endless text"},
         }) {
        auto got = scan(text, 30'000);
        ASSERT_FALSE(got.ended) << text.substr(0, 200);
        EXPECT_EQ(got.ended.error().kind(), kind::protocol);
        EXPECT_NE(got.ended.error().message().find(says), std::string::npos) << got.ended.error().message();
        EXPECT_FALSE(got.ended.error().advice().empty());
    }
    std::string deep = head;
    for (int i = 0; i < 100; ++i) deep += "<x>";
    EXPECT_NE(scan(deep).ended.error().message().find("deep"), std::string::npos);
}

TEST(listing, an_error_stays) {
    listing_scanner s;
    EXPECT_FALSE(s.feed("<html>"));
    EXPECT_FALSE(s.feed(head + tail));
    EXPECT_FALSE(s.finish());
}

TEST(listing, items_can_be_taken_on_the_way_and_memory_stays_small) {
    listing_scanner s;
    ASSERT_TRUE(s.feed(head));
    std::size_t seen = 0, largest = 0;
    for (int i = 0; i < 20'000; ++i) {
        ASSERT_TRUE(s.feed("<Blob><Name>" + std::to_string(i) + "</Name>" + size + "</Blob>"));
        seen += s.items().size();
        s.items().clear();
        if (i % 1000 == 0) largest = std::max(largest, s.prepare(1000).size());
    }
    ASSERT_TRUE(s.feed(tail));
    ASSERT_TRUE(s.finish());
    EXPECT_EQ(seen, 20'000u);
    EXPECT_LT(largest, 64u * 1024);
}

TEST(listing, an_empty_page_with_a_marker) {
    auto got = scan("<EnumerationResults><Blobs/><NextMarker>2!x&amp;y</NextMarker></EnumerationResults>");
    ASSERT_TRUE(got.ended);
    EXPECT_TRUE(got.items.empty());
    EXPECT_EQ(got.marker, "2!x&y");
}

}  // namespace
}  // namespace act::blob
