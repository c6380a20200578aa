#include "transfer/blob/access.hpp"

#include <gtest/gtest.h>

namespace act::blob {
namespace {

TEST(Access, TheEndpointOfPathsIsBesideThatOfBlobs) {
    const auto of = [](const char* endpoint) { return path_endpoint(*parse_uri(endpoint)).str(); };
    EXPECT_EQ(of("https://acc.blob.core.windows.net"), of("https://acc.dfs.core.windows.net"));
    EXPECT_EQ(of("https://acc.z01.blob.storage.azure.net"), of("https://acc.z01.dfs.storage.azure.net"));
    EXPECT_EQ(path_endpoint(*parse_uri("https://acc.blob.core.windows.net")).host,
              "acc.dfs.core.windows.net");
    EXPECT_EQ(path_endpoint(*parse_uri("http://127.0.0.1:10000/devstoreaccount1")).host, "127.0.0.1");
    EXPECT_EQ(path_endpoint(*parse_uri("https://data.example.org")).host, "data.example.org");
}

TEST(Access, ListsAreTheSameInWhateverOrder) {
    EXPECT_TRUE(same_acl("user::rwx,group::r-x,other::---", "other::---,user::rwx,group::r-x"));
    EXPECT_FALSE(same_acl("user::rwx,group::r-x,other::---", "user::rwx,group::r-x,other::--x"));
    EXPECT_FALSE(same_acl("user::rwx,group::r-x,other::---", "user::rwx,group::r-x"));
    EXPECT_FALSE(same_acl("user::rwx,default:user::rwx", "user::rwx,user::rwx"));
}

TEST(Access, OnlyWhatDiffersIsSet) {
    const access_control wanted{"me", "us", "user::rwx,group::r-x,other::---", "rwxr-x--T+"};
    EXPECT_TRUE(difference(wanted, wanted).empty());
    access_control now = wanted;
    now.acl = "group::r-x,user::rwx,other::---";
    EXPECT_TRUE(difference(wanted, now).empty());
    now.owner = "somebody";
    auto change = difference(wanted, now);
    EXPECT_EQ(change.owner, "me");
    EXPECT_TRUE(change.group.empty() && change.acl.empty() && change.mode.empty());
    now = wanted;
    now.mode = "rwxr-x---+";
    EXPECT_EQ(difference(wanted, now).mode, "rwxr-x--T");
    EXPECT_EQ(difference(now, wanted).mode, "rwxr-x---");
    EXPECT_EQ(all_of(wanted).mode, "rwxr-x--T");
    EXPECT_TRUE(all_of(now).mode.empty()) << "the list tells all of it";
}

}  // namespace
}  // namespace act::blob
