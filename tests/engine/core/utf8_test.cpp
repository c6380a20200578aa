#include "engine/core/utf8.hpp"

#include <gtest/gtest.h>

namespace {

using namespace act;

TEST(utf8, good_text_is_accepted) {
    for (const char* text :
         {"", "a", "plain ascii longer than eight", "\xc3\xbc", "12345678\xe2\x82\xac", "\xf0\x9f\x98\x80",
          "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80", "1234567\xc3\xbcxyz"}) {
        EXPECT_TRUE(is_utf8(text)) << text;
    }
}

TEST(utf8, bad_text_is_refused) {
    for (const char* text : {"\x80", "\xff", "\xc3", "a\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
                             "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                             "\xe2\x82", "\xe2\x28\xa1", "12345678\xc3(", "caf\xe9", "\xf0\x9f\x98"}) {
        EXPECT_FALSE(is_utf8(text));
    }
}

TEST(utf8, printable_escapes_what_a_terminal_should_not_see) {
    EXPECT_EQ(printable("a\xc3\xbc b"), "a\xc3\xbc b");
    EXPECT_EQ(printable("caf\xe9\n\x1b[0m\x7f"), "caf\\xe9\\x0a\\x1b[0m\\x7f");
    EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");
}

}  // namespace
