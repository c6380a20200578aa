// Owner, group and access control lists in copies between accounts with real folders.
#include <set>

#include "copy_world.hpp"

namespace act::ops {
namespace {

constexpr const char* acl = "user::rwx,user:6fa1:r-x,group::r-x,mask::r-x,other::---";

class permissions_test : public copy_test {
protected:
    permissions_test() {
        at_start.hierarchical = true;
        other_hierarchical = true;
    }
    void permit(const std::string& name, blob::access_change change) {
        auto set = rt.run(client->set_access({"data", name}, std::move(change), {}));
        ASSERT_TRUE(set) << set.error().describe();
    }
    blob::access_control access_there(const std::string& name) {
        auto got = rt.run(there->get_access({"copies", name}, {}));
        EXPECT_TRUE(got) << got.error().describe();
        return got ? *got : blob::access_control();
    }
    /// Refuses at the destination what `which` says of a request that sets something.
    void refuse(std::function<bool(const http::request&)> which) {
        watched->before = [this, which = std::move(which)](const http::request& r) -> task<result<void>> {
            if (r.method != http::verb::patch) co_return result<void>();
            ++asked;
            if (!which(r)) co_return result<void>();
            co_return error(kind::permission, "not allowed")
                .with_service("AuthorizationPermissionMismatch", 403, "r");
        };
    }
    std::atomic<unsigned> asked = 0;
    const copy_options keep{.keep_permissions = true};
};

TEST_F(permissions_test, OneRefusalIsOneFailure) {
    for (const char* name : {"t/a", "t/b", "t/c"}) {
        put(name, name);
        permit(name, {"me", "us", acl, {}});
    }
    refuse([](const http::request& r) { return r.target.find("/b?") != r.target.npos; });
    auto done = cp("t", "t", keep);
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(done->failed, 1u);
    ASSERT_EQ(done->failures.size(), 1u);
    EXPECT_EQ(done->failures[0].path, "t/b");
    EXPECT_EQ(access_there("t/a").owner, "me");
    EXPECT_EQ(access_there("t/c").acl, acl);

    // The next run sets what is missing, and copies nothing.
    watched->before = {};
    watched->forget();
    const summary again = copied("t", "t", keep);
    EXPECT_EQ(again.files, 0u);
    EXPECT_EQ(again.permissions_set, 1u);
    EXPECT_EQ(watched->count("PATCH"), 1u);
    EXPECT_EQ(watched->count(put_from_url) + watched->count("PUT"), 0u);
    EXPECT_EQ(access_there("t/b").acl, acl);
}

TEST_F(permissions_test, ACredentialThatMaySetNothingEndsTheRun) {
    for (int i = 0; i < 60; ++i) put("t/" + std::to_string(i), "x");
    lanes = 1;
    for (int i = 0; i < 60; ++i) permit("t/" + std::to_string(i), {"me", {}, {}, {}});
    refuse([](const http::request&) { return true; });
    auto done = cp("t", "t", keep);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind(), kind::permission);
    EXPECT_LT(asked, 60u) << "it was tried for all of them";
}

TEST_F(permissions_test, WhoMayNotGiveAwayMayStillSetTheList) {
    // The owner is the right one already, and only the superuser may name one.
    put("t/a", "content");
    permit("t/a", {{}, {}, acl, {}});
    refuse([](const http::request& r) { return r.headers.has("x-ms-owner"); });
    const summary done = copied("t", "t", keep);
    EXPECT_EQ(done.failed, 0u);
    EXPECT_EQ(access_there("t/a").acl, acl);
}

TEST_F(permissions_test, FoldersGetTheirsWhenAllInThemIsThere) {
    for (const char* name : {"t/a/x", "t/a/y", "t/b/z"}) put(name, name);
    for (const char* name : {"t", "t/a", "t/b"}) permit(name, {"me", "us", acl, {}});
    std::mutex mutex;
    std::vector<std::string> order;
    watched->before = [&](const http::request& r) -> task<result<void>> {
        std::lock_guard lock(mutex);
        const auto name = r.target.substr(0, r.target.find('?'));
        if (r.method == http::verb::patch) order.push_back(name.substr(name.find("/copies/") + 8));
        co_return result<void>();
    };
    (void)copied("t", "t", keep);
    ASSERT_EQ(order.size(), 6u);
    const std::set<std::string> files(order.begin(), order.begin() + 3),
        folders(order.begin() + 3, order.begin() + 5);
    EXPECT_EQ(files, (std::set<std::string>{"t/a/x", "t/a/y", "t/b/z"}));
    EXPECT_EQ(folders, (std::set<std::string>{"t/a", "t/b"}));
    EXPECT_EQ(order.back(), "t");
}

TEST_F(permissions_test, AMoveKeepsWhatIsNotWholeAtTheDestination) {
    const copy_options move{.compare_content = true, .remove_source = true, .keep_permissions = true};
    for (const char* name : {"t/a", "t/b"}) {
        put(name, name);
        permit(name, {"me", {}, {}, {}});
    }
    refuse([](const http::request& r) { return r.target.find("/a?") != r.target.npos; });
    auto moved = cp("t", "u", move);
    ASSERT_TRUE(moved) << moved.error().describe();
    EXPECT_EQ(moved->failed, 1u);
    EXPECT_EQ(ls("t"), (std::vector<std::string>{"t", "t/a"}));

    watched->before = {};
    moved = cp("t", "u", move);
    ASSERT_TRUE(moved) << moved.error().describe();
    EXPECT_EQ(moved->failed, 0u);
    EXPECT_TRUE(ls("t").empty());
    EXPECT_EQ(access_there("u/a").owner, "me");
}

}  // namespace
}  // namespace act::ops
