#include "transfer/blob/xml.hpp"

#include <gtest/gtest.h>
#include <pugixml.hpp>

namespace act::blob::xml {
namespace {

std::string escaped(std::string_view s) {
    std::string out;
    escape(out, s);
    return out;
}

TEST(xml, escape_and_back) {
    EXPECT_EQ(escaped("a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&apos;c");
    std::string all;
    for (int c = 1; c < 128; ++c) {
        if (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') all.push_back(static_cast<char>(c));
    }
    all += "üß→😀";
    std::string back;
    ASSERT_TRUE(unescape(back, escaped(all)));
    EXPECT_EQ(back, all);
    pugi::xml_document other;
    ASSERT_TRUE(other.load_string(("<a x=\"" + escaped(all) + "\">" + escaped(all) + "</a>").c_str(),
                                  pugi::parse_default | pugi::parse_ws_pcdata));
    EXPECT_EQ(other.child("a").text().get(), all);
    EXPECT_EQ(other.child("a").attribute("x").value(), all);
}

TEST(xml, unescape_refuses_what_it_does_not_know) {
    std::string out;
    EXPECT_TRUE(unescape(out, "&#65;&#x42;&#xe9;&#x1F600;"));
    EXPECT_EQ(out, "ABé😀");
    for (const char* bad : {"&", "&amp", "&nbsp;", "&#;", "&#x;", "&#0;", "&#xD800;", "&#x110000;",
                            "&#99999999999;", "&#1a;", "&#xfffe;"}) {
        out.clear();
        EXPECT_FALSE(unescape(out, bad)) << bad;
    }
}

TEST(xml, representable) {
    EXPECT_TRUE(representable(""));
    EXPECT_TRUE(representable("a\tb\nü→😀\xef\xbf\xbd"));
    for (std::string_view bad :
         {std::string_view("a\x01"), std::string_view("\0", 1), std::string_view("\xef\xbf\xbe"),
          std::string_view("\xef\xbf\xbf"), std::string_view("\xed\xa0\x80"), std::string_view("\xc0\x80"),
          std::string_view("\xc3"), std::string_view("\x80"), std::string_view("\xf4\x90\x80\x80"),
          std::string_view("\xe0\x80\x80"), std::string_view("\xf8\x88\x80\x80\x80")}) {
        EXPECT_FALSE(representable(bad));
    }
}

TEST(xml, plain_is_what_stands_as_it_is) {
    for (int c = 0; c < 256; ++c) {
        for (std::size_t before : {0, 1, 15, 40}) {
            const std::string text = std::string(before, 'a') + static_cast<char>(c) + "b";
            EXPECT_EQ(plain(text), c < 0x80 && representable(text) && escaped(text) == text) << c;
        }
    }
    EXPECT_TRUE(plain(""));
}

TEST(xml, writer) {
    writer w;
    w.open("A").attribute("x", "1\"2").open("B").close().element("C", "<").element("D", "").element("E", 17u);
    w.optional("F", "").optional("G", "g").open("H").text("t").raw("<i/>");
    auto text = w.take();
    EXPECT_EQ(
        text,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><A x=\"1&quot;2\"><B /><C>&lt;</C><D /><E>17</E><G>g</G>"
        "<H>t<i/></H></A>");
    pugi::xml_document other;
    EXPECT_TRUE(other.load_string(text.c_str()));
}

TEST(xml, reader_walks_a_document) {
    reader r(
        "\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- c -->\n<a x='1&amp;2' y=\"&gt;\"> "
        "t&lt;<![CDATA[<&]]><b/><n:c>u</n:c></a>\n");
    using e = reader::event;
    ASSERT_EQ(r.next(), e::open);
    EXPECT_EQ(r.name(), "a");
    EXPECT_EQ(r.attribute("x"), "1&2");
    EXPECT_EQ(r.attribute("y"), ">");
    EXPECT_EQ(r.attribute("z"), "");
    ASSERT_EQ(r.next(), e::text);
    EXPECT_EQ(r.text(), " t<");
    ASSERT_EQ(r.next(), e::text);
    EXPECT_EQ(r.text(), "<&");
    ASSERT_EQ(r.next(), e::open);
    EXPECT_EQ(r.name(), "b");
    ASSERT_EQ(r.next(), e::close);
    ASSERT_EQ(r.next(), e::open);
    EXPECT_EQ(r.name(), "c");
    EXPECT_EQ(r.content().value(), "u");
    ASSERT_EQ(r.next(), e::close);
    EXPECT_EQ(r.next(), e::done);
}

TEST(xml, reader_refuses) {
    for (std::string_view bad : {"", "  ", "text", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a", "<a>&x;</a>",
                                 "<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", "<a/>x", "<a><![CDATA[x</a>",
                                 "<!-- <a/>", "<>", "<a b='></a>", "<a><b</a>"}) {
        reader r(bad);
        reader::event e;
        do e = r.next();
        while (e != reader::event::malformed && e != reader::event::done);
        EXPECT_EQ(e, reader::event::malformed) << bad;
        EXPECT_EQ(r.next(), reader::event::malformed) << "and stays so";
        EXPECT_EQ(r.problem().kind(), kind::protocol);
    }
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "<a>";
    reader r(deep);
    while (r.next() == reader::event::open) {
    }
    EXPECT_NE(r.problem().message().find("deep"), std::string::npos);
}

}  // namespace
}  // namespace act::blob::xml
