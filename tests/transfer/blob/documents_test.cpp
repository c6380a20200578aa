#include "transfer/blob/documents.hpp"

#include <gtest/gtest.h>
#include <pugixml.hpp>

namespace act::blob {
namespace {

TEST(documents, block_references) {
    std::vector<std::string> ids = {"MDAwMDAw", "a+/=", "MDAwMDAw"};
    auto text = write_block_references(ids);
    pugi::xml_document other;
    ASSERT_TRUE(other.load_string(text.c_str()));
    std::vector<std::string> seen;
    for (auto n : other.child("BlockList").children("Latest")) seen.push_back(n.text().get());
    EXPECT_EQ(seen, ids);

    auto back = read_block_references(
                    "<BlockList> "
                    "<Latest>a</Latest><Committed>b</Committed>\n<Uncommitted>c</Uncommitted></BlockList>")
                    .value();
    ASSERT_EQ(back.size(), 3u);
    EXPECT_EQ(back[0].source, block_source::latest);
    EXPECT_EQ(back[1].source, block_source::committed);
    EXPECT_EQ(back[2].source, block_source::uncommitted);
    EXPECT_EQ(back[2].id, "c");
    EXPECT_TRUE(read_block_references(write_block_references({})).value().empty());
    EXPECT_FALSE(read_block_references("<BlockList><Newest>a</Newest></BlockList>"));
    EXPECT_FALSE(read_block_references("<Blocks/>"));
    EXPECT_FALSE(read_block_references(""));

    std::vector<std::string> many(max_blocks, "id");
    EXPECT_EQ(read_block_references(write_block_references(many)).value().size(), max_blocks);
    many.push_back("id");
    EXPECT_EQ(read_block_references(write_block_references(many)).error().code(), "BlockListTooLong");
}

TEST(documents, block_lists) {
    block_list list;
    list.committed = {{"aa", 10}, {"bb", max_block}};
    list.uncommitted = {{"cc", 0}};
    auto back = read_block_list(write_block_list(list, true, true)).value();
    ASSERT_EQ(back.committed.size(), 2u);
    EXPECT_EQ(back.committed[1].id, "bb");
    EXPECT_EQ(back.committed[1].size, max_block);
    ASSERT_EQ(back.uncommitted.size(), 1u);
    EXPECT_EQ(read_block_list(write_block_list(list, true, false)).value().uncommitted.size(), 0u);
    EXPECT_TRUE(read_block_list("<BlockList/>").value().committed.empty());
    EXPECT_TRUE(read_block_list("<BlockList><New/><CommittedBlocks/></BlockList>"));
    for (const char* bad :
         {"<BlockList><CommittedBlocks><Block><Name>a</Name><Size>x</Size></Block></CommittedBlocks></"
          "BlockList>",
          "<BlockList><CommittedBlocks><Block><Name>a</Name><Size>-1</Size></Block></CommittedBlocks></"
          "BlockList>",
          "<BlockList><CommittedBlocks><Block><Size>1</Size></Block></CommittedBlocks></BlockList>",
          "<BlockList><CommittedBlocks><Block><Name>a</Name></Block></CommittedBlocks></BlockList>",
          "<BlockList><CommittedBlocks><Block><Name>a</Name><Size>1</Size></Block>", "<Error/>",
          "<BlockList/><x/>"}) {
        auto r = read_block_list(bad);
        ASSERT_FALSE(r) << bad;
        EXPECT_EQ(r.error().kind(), kind::protocol);
    }
}

TEST(documents, page_lists) {
    auto list = read_page_list(
        "<PageList><PageRange><Start>512</Start><End>1023</End></PageRange>"
        "<PageRange><Start>1024</Start><End>2047</End></PageRange><ClearRange><Start>0</Start><End>511</End>"
        "</ClearRange><PageRange><Start>4096</Start><End>4607</End></PageRange>"
        "<NextMarker>m</NextMarker></PageList>");
    ASSERT_TRUE(list) << list.error().describe();
    ASSERT_EQ(list->ranges.size(), 2u) << "neighbours are one";
    EXPECT_EQ(list->ranges[0].offset, 512u);
    EXPECT_EQ(list->ranges[0].length, 1536u);
    EXPECT_EQ(list->ranges[1].length, 512u);
    EXPECT_EQ(list->next_marker, "m");
    EXPECT_TRUE(read_page_list("<PageList/>").value().ranges.empty());
    for (const char* bad :
         {"<PageList><PageRange><Start>5</Start></PageRange></PageList>",
          "<PageList><PageRange><Start>5</Start><End>4</End></PageRange></PageList>",
          "<PageList><PageRange><Start>0</Start><End>18446744073709551615</End></PageRange></PageList>",
          "<PageList><PageRange><Start>x</Start><End>4</End></PageRange></PageList>",
          "<PageList><PageRange><Start>512</Start><End>1023</End></PageRange>"
          "<PageRange><Start>0</Start><End>511</End></PageRange></PageList>",
          "<PageList><PageRange><Start>0</Start>", "<Error/>"}) {
        auto r = read_page_list(bad);
        ASSERT_FALSE(r) << bad;
        EXPECT_EQ(r.error().kind(), kind::protocol);
    }
}

TEST(documents, tags_both_ways) {
    tags t = {{"a key", "v+1"}, {"empty", ""}, {"z:/=", "x.y_z"}};
    EXPECT_EQ(read_tags(write_tags(t)).value(), t);
    EXPECT_EQ(tags_header(t), "a%20key=v%2B1&empty=&z%3A%2F%3D=x.y_z");
    EXPECT_TRUE(read_tags("<Tags><TagSet/></Tags>").value().empty());
    EXPECT_FALSE(read_tags("<Tags><TagSet><Tag><Value>x</Value></Tag></TagSet></Tags>"));
    EXPECT_TRUE(check_tags(t));
    EXPECT_FALSE(check_tags({{"", "x"}}));
    EXPECT_FALSE(check_tags({{"a", "ü"}}));
    EXPECT_FALSE(check_tags({{"a", std::string(257, 'x')}}));
    EXPECT_FALSE(check_tags({{std::string(129, 'x'), ""}}));
    tags many;
    for (int i = 0; i < 11; ++i) many["k" + std::to_string(i)] = "";
    EXPECT_EQ(check_tags(many).error().kind(), kind::usage);
}

TEST(documents, containers) {
    auto page =
        read_containers(
            "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
            "ServiceEndpoint=\"https://a/\">"
            "<Prefix/><Marker/><MaxResults>5000</MaxResults><Containers><Container><Name>x</Name><Properties>"
            "<Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified><Etag>\"0x8D\"</Etag>"
            "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState><New>1</New></Properties>"
            "<Metadata><K>v</K></Metadata></Container><Container><Name>y</Name></Container></Containers>"
            "<NextMarker>m&amp;n</NextMarker></EnumerationResults>")
            .value();
    ASSERT_EQ(page.items.size(), 2u);
    EXPECT_EQ(page.items[0].name, "x");
    EXPECT_EQ(page.items[0].etag.text, "\"0x8D\"");
    EXPECT_EQ(page.items[0].modified, parse_http_date("Fri, 26 Jun 2015 23:39:12 GMT"));
    EXPECT_EQ(page.items[0].metadata.at("k"), "v");
    EXPECT_EQ(page.items[0].lease_state, "available");
    EXPECT_EQ(page.next_marker, "m&n");
    EXPECT_FALSE(
        read_containers("<EnumerationResults><Containers><Container/></Containers></EnumerationResults>"));
    EXPECT_FALSE(read_containers("<EnumerationResults><Containers>"));
}

TEST(documents, etags_from_listings_get_their_quotes) {
    EXPECT_EQ(etag::from_listing("0x8D").text, "\"0x8D\"");
    EXPECT_EQ(etag::from_listing("\"0x8D\"").text, "\"0x8D\"");
    EXPECT_TRUE(etag::from_listing("").empty());
}

}  // namespace
}  // namespace act::blob
