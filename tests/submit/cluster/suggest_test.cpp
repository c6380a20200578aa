#include "submit/cluster/suggest.hpp"

#include <gtest/gtest.h>

namespace act::cluster {
namespace {

TEST(cluster_suggest, distance) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("Path", "path"), 0u);
    EXPECT_EQ(edit_distance("apth", "path"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(cluster_suggest, nearest) {
    std::vector<std::string> known = {"account_key", "account_name", "path"};
    EXPECT_EQ(nearest("acount_nam", known), "account_name");
    EXPECT_EQ(nearest("account", known), "account_key");
    EXPECT_EQ(nearest("zzzzzz", known), "");
    EXPECT_EQ(nearest("", known), "");
    EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace act::cluster
