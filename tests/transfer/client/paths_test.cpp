// The DFS endpoint.
#include "scripted.hpp"

namespace act::blob::test {
namespace {

constexpr const char* acl = "user::rwx,group::r-x,other::---";

reply access_reply(const seen&) {
    return {.headers = {{"x-ms-owner", "me"},
                        {"x-ms-group", "us"},
                        {"x-ms-acl", acl},
                        {"x-ms-permissions", "rwxr-x---"},
                        {"ETag", "\"7\""}}};
}

TEST(Paths, GoToTheEndpointOfPathsUnderTheSameKey) {
    scripted s(access_reply);
    http::client_options options;
    options.pinned = {{"acc.blob.test", {"127.0.0.1"}}, {"acc.dfs.test", {"127.0.0.1"}}};
    http::client transport(s.loops(), options);
    uri endpoint = *parse_uri(s.endpoint());
    endpoint.host = "acc.blob.test";
    const secret key("c2VjcmV0");
    {
        client c(transport, {"acc", endpoint}, *auth::shared_key("acc", key));
        auto got = s.run(c.get_access({"con", "a b/c"}, {}));
        ASSERT_TRUE(got) << got.error().describe();
        EXPECT_EQ(got->owner, "me");
        EXPECT_EQ(got->group, "us");
        EXPECT_EQ(got->acl, acl);
        auto set = s.run(c.set_access({"con", ""}, all_of(*got), {}));
        ASSERT_TRUE(set) << set.error().describe();
        EXPECT_EQ(set->etag.text, "\"7\"");
        (void)s.run(c.head({"con", "a b/c"}, {}));
    }
    s.run(transport.close());

    const auto sent = s.requests();
    ASSERT_EQ(sent.size(), 3u);
    EXPECT_EQ(sent[0].method, "HEAD");
    EXPECT_EQ(sent[0].target, "/con/a%20b/c?action=getAccessControl&upn=false");
    EXPECT_TRUE(sent[0].header("Host").starts_with("acc.dfs.test"));
    EXPECT_EQ(sent[1].method, "PATCH");
    EXPECT_EQ(sent[1].target, "/con/?action=setAccessControl");
    EXPECT_TRUE(sent[1].header("Host").starts_with("acc.dfs.test"));
    EXPECT_EQ(sent[1].header("x-ms-acl"), acl);
    EXPECT_EQ(sent[1].header("x-ms-owner"), "me");
    EXPECT_TRUE(sent[1].header("x-ms-permissions").empty());
    EXPECT_TRUE(sent[2].header("Host").starts_with("acc.blob.test"));
    for (const auto& r : {sent[0], sent[1]}) {
        // What is signed names the query.
        const auto text = auth::shared_key_string(r.method, "acc", r.target, r.headers, 0);
        EXPECT_NE(text.find("\naction:"), std::string::npos) << text;
        EXPECT_TRUE(r.header("Authorization").starts_with("SharedKey acc:"));
    }
}

TEST(Paths, AModeGoesByItself) {
    scripted s(access_reply);
    ASSERT_TRUE(s.run(s.client().set_access({"con", "a"}, {"me", "us", acl, "rwxr-x--T"}, {})));
    const auto sent = s.requests();
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[0].header("x-ms-acl"), acl);
    EXPECT_TRUE(sent[0].header("x-ms-permissions").empty());
    EXPECT_TRUE(sent[1].header("x-ms-acl").empty());
    EXPECT_EQ(sent[1].header("x-ms-permissions"), "rwxr-x--T");
}

/// What has_real_folders() makes of an account that answers like this.
std::string real_folders(reply about_account, reply about_root, std::size_t requests) {
    scripted s([&](const seen& r) {
        return r.target.find("restype=account") != r.target.npos ? about_account : about_root;
    });
    auto real = s.run(s.client().has_real_folders("con", {}));
    EXPECT_EQ(s.count(), requests);
    return !real ? std::string(to_string(real.error().kind())) : *real ? "yes" : "no";
}

TEST(Paths, WhetherThereAreRealFolders) {
    const reply refused = service_error_reply(403, "AuthorizationPermissionMismatch");
    const auto told = [](const char* value) { return reply{.headers = {{"x-ms-is-hns-enabled", value}}}; };
    EXPECT_EQ(real_folders(told("true"), {}, 1), "yes");
    EXPECT_EQ(real_folders(told("false"), {}, 1), "no");
    // Access tokens may not ask for the account's properties.
    EXPECT_EQ(real_folders(refused, access_reply({}), 2), "yes");
    EXPECT_EQ(real_folders(refused, {.status = 400}, 2), "no");
    // A server that takes it for another request.
    EXPECT_EQ(real_folders({}, {}, 2), "no");
    EXPECT_EQ(real_folders(refused, refused, 2), to_string(kind::permission));
    EXPECT_EQ(real_folders(refused, {.status = 404}, 2), to_string(kind::not_found));
}

}  // namespace
}  // namespace act::blob::test
