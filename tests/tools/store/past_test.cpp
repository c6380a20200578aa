// What an account with soft delete or versioning keeps of what is deleted and overwritten.
#include "tools/store/past.hpp"

#include "fixture.hpp"
#include "tools/store/listing.hpp"
#include "tools/store/maintenance.hpp"

namespace act::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr nanos day = 86'400'000'000'000;

class past_test : public store_test {
protected:
    void SetUp() override {}
    void begin(std::optional<std::uint32_t> days, std::optional<bool> versions = {}) {
        soft_delete_ = days;
        versioning_ = versions;
        start();
        make_container("box");
    }

    std::string list(const std::string& include, const std::string& more = {}) {
        const std::string target = "/box?restype=container&comp=list&include=" + include + more;
        const auto got = send("GET", target);
        EXPECT_EQ(got.status, 200) << got.body;
        expect_same_in_columns(target);
        return got.body;
    }
    std::string body(const std::string& target) { return send("GET", target).body; }
    std::string remove(const std::string& target, header_list headers = {}) {
        const auto r = send("DELETE", target, headers);
        EXPECT_EQ(r.status, 202) << r.body;
        return std::string(r.headers.get("x-ms-delete-type-permanent"));
    }
    int undelete(const std::string& target) { return send("PUT", target + "?comp=undelete").status; }
    std::string version_of(const response& r) { return std::string(r.headers.get("x-ms-version-id")); }

    /// What maintenance does, at once or at another time.
    void maintain_with(const std::function<void(service&)>& work) {
        statistics counts;
        options o;
        service s(run_, o, "key", counts);
        s.folder = opened(volume::open(folder_.path() + "/store"));
        s.index = &s.folder->index();
        s.files = &s.folder->files();
        work(s);
        run_.run(s.background.join());
    }
    void let_go_of_trash(nanos now) {
        maintain_with([&](service& s) { run_.run(empty_trash(s, now)); });
    }
    static nanos now_and(nanos later) { return to_nanos(now()) + later; }
};

TEST_F(past_test, without_protection_deletes_are_for_good) {
    begin({});
    put("/box/a", "one");
    EXPECT_EQ(remove("/box/a"), "true");
    EXPECT_THAT(names(list("deleted")), IsEmpty());
    EXPECT_EQ(undelete("/box/a"), 404);
    EXPECT_EQ(undelete("/box/never"), 404);
}

TEST_F(past_test, a_deleted_blob_comes_back_with_its_snapshots) {
    begin(7);
    put("/box/a", noise(100 * 1024), {{"x-ms-meta-k", "v"}});
    put("/box/b", "stays");
    ASSERT_EQ(send("PUT", "/box/a?comp=snapshot").status, 201);
    EXPECT_EQ(remove("/box/a", {{"x-ms-delete-snapshots", "include"}}), "false");
    EXPECT_EQ(send("GET", "/box/a").status, 404);
    EXPECT_THAT(names(list("snapshots")), ElementsAre("b"));
    const std::string gone = list("deleted");
    EXPECT_THAT(names(gone), ElementsAre("a", "b"));
    EXPECT_THAT(gone, HasSubstr("<Deleted>true</Deleted>"));
    EXPECT_EQ(text_of(gone, "RemainingRetentionDays"), "6");
    EXPECT_THAT(text_of(gone, "DeletedTime"), HasSubstr("GMT"));
    EXPECT_THAT(names(list("deleted,snapshots")), ElementsAre("a", "a", "b"));

    // Its bytes stay, also over a restart.
    restart();
    EXPECT_EQ(undelete("/box/a"), 200);
    EXPECT_EQ(body("/box/a"), noise(100 * 1024));
    EXPECT_EQ(send("HEAD", "/box/a").headers.get("x-ms-meta-k"), "v");
    EXPECT_THAT(list("deleted,snapshots"), Not(HasSubstr("<Deleted>")));
    EXPECT_EQ(send("DELETE", "/box/a").code(), "SnapshotsPresent");
    EXPECT_EQ(undelete("/box/b"), 200) << "nothing of it is deleted, which is no failure";
}

TEST_F(past_test, what_is_overwritten_becomes_a_deleted_snapshot) {
    begin(7);
    put("/box/a", "one");
    put("/box/a", "two");
    remove("/box/a");
    put("/box/a", "three");
    EXPECT_THAT(names(list("deleted")), ElementsAre("a")) << "the new one alone";
    EXPECT_THAT(names(list("deleted,snapshots")), ElementsAre("a", "a", "a"));
    EXPECT_EQ(undelete("/box/a"), 200);
    EXPECT_EQ(body("/box/a"), "three");
    const std::string all = list("snapshots");
    EXPECT_THAT(names(all), ElementsAre("a", "a", "a"));
    EXPECT_EQ(body("/box/a?snapshot=" + encode_component(text_of(all, "Snapshot"))), "one");
}

TEST_F(past_test, a_blob_written_without_protection_is_not_lost_to_an_undelete) {
    begin(7);
    put("/box/a", "old");
    remove("/box/a");
    soft_delete_ = 0;
    restart();
    put("/box/a", "new");
    EXPECT_EQ(undelete("/box/a"), 200);
    EXPECT_EQ(body("/box/a"), "new");
    EXPECT_EQ(body("/box/a?snapshot=" + encode_component(text_of(list("snapshots"), "Snapshot"))), "old");
}

TEST_F(past_test, blocks_that_a_commit_takes_over_stay_in_what_it_replaces) {
    begin(7);
    const std::string first = noise(50'000, 1), second = noise(50'000, 2), third = noise(50'000, 3);
    put_block("/box/a", "1", first);
    put_block("/box/a", "2", second);
    const std::string head = "<?xml version=\"1.0\"?><BlockList><Latest>" + base64("1") + "</Latest><Latest>";
    ASSERT_EQ(send("PUT", "/box/a?comp=blocklist", {}, head + base64("2") + "</Latest></BlockList>").status,
              201);
    put_block("/box/a", "3", third);
    ASSERT_EQ(send("PUT", "/box/a?comp=blocklist", {}, head + base64("3") + "</Latest></BlockList>").status,
              201);
    remove("/box/a");
    EXPECT_EQ(undelete("/box/a"), 200);
    EXPECT_EQ(body("/box/a"), first + third);
    const std::string all = list("snapshots");
    EXPECT_EQ(body("/box/a?snapshot=" + encode_component(text_of(all, "Snapshot"))), first + second);
}

TEST_F(past_test, what_is_kept_ends_with_its_time_and_its_files_with_it) {
    begin(7);
    put("/box/a", noise(100 * 1024));
    remove("/box/a");
    put("/box/keep", noise(100 * 1024, 2));
    const std::string root = folder_.path() + "/store";
    {
        auto of = opened(volume::open(root));
        const auto r = opened(of->index().read());
        const auto container = load_container(r, "box");
        for (const auto& [at, seen] : {std::pair(6 * day, 2), std::pair(8 * day, 1)}) {
            item_cursor item(r, container->id, {.deleted = true}, now_and(at));
            int n = 0;
            for (item.seek({}); item.valid(); item.next()) ++n;
            EXPECT_EQ(n, seen);
        }
    }
    let_go_of_trash(now_and(6 * day));
    EXPECT_THAT(names(list("deleted")), ElementsAre("a", "keep"));
    let_go_of_trash(now_and(8 * day));
    EXPECT_THAT(names(list("deleted")), ElementsAre("keep"));
    EXPECT_EQ(undelete("/box/a"), 404);
    stop();
    EXPECT_EQ(data_files(root), 1u);
}

TEST_F(past_test, a_deleted_container_takes_all_along) {
    begin(7, true);
    put("/box/a", noise(100 * 1024));
    put("/box/a", noise(100 * 1024, 2));
    const std::string version = text_of(list("versions"), "VersionId");
    remove("/box/a?versionid=" + encode_component(version));
    ASSERT_EQ(send("DELETE", "/box?restype=container").status, 202);
    maintain_with([&](service& s) {
        while (run_.run(empty_deleted_containers(s))) {
        }
    });
    stop();
    EXPECT_EQ(data_files(folder_.path() + "/store"), 0u);
}

TEST_F(past_test, a_client_may_set_how_long_deleted_blobs_stay) {
    begin({});
    const auto set = [&](const std::string& policy) {
        return send("PUT", "/?restype=service&comp=properties", {},
                    "<?xml version=\"1.0\"?><StorageServiceProperties><Cors />" + policy +
                        "</StorageServiceProperties>")
            .status;
    };
    const auto get = [&] {
        return text_of(send("GET", "/?restype=service&comp=properties").body, "DeleteRetentionPolicy");
    };
    EXPECT_EQ(get(), "<Enabled>false</Enabled>");
    const std::string open = "<DeleteRetentionPolicy><Enabled>true</Enabled>",
                      close = "</DeleteRetentionPolicy>";
    EXPECT_EQ(set(open + "<Days>3</Days>" + close), 202);
    EXPECT_EQ(get(), "<Enabled>true</Enabled><Days>3</Days>");
    put("/box/a", "x");
    EXPECT_EQ(remove("/box/a"), "false");
    EXPECT_EQ(set(""), 202) << "what is not said stays";
    EXPECT_EQ(get(), "<Enabled>true</Enabled><Days>3</Days>");
    EXPECT_EQ(set(open + "<Days>366</Days>" + close), 400);
    EXPECT_EQ(set(open + close), 400);
    EXPECT_EQ(set("<DeleteRetentionPolicy><Enabled>false</Enabled>" + close), 202);
    EXPECT_EQ(undelete("/box/a"), 200) << "what was deleted before stays as long as it was promised";
    EXPECT_EQ(remove("/box/a"), "true");
}

TEST_F(past_test, versions_are_kept_of_what_is_overwritten_changed_and_deleted) {
    begin({}, true);
    const std::string one = version_of(put("/box/a", "one"));
    const std::string two = version_of(put("/box/a", "two"));
    const std::string described = version_of(send("PUT", "/box/a?comp=metadata", {{"x-ms-meta-k", "v"}}));
    EXPECT_LT(one, two);
    EXPECT_LT(two, described);
    const std::string all = list("versions,metadata");
    EXPECT_THAT(names(all), ElementsAre("a", "a", "a"));
    EXPECT_LT(all.find(one), all.find(two));
    EXPECT_THAT(all, HasSubstr(described + "</VersionId><IsCurrentVersion>true"));
    EXPECT_THAT(names(list("")), ElementsAre("a"));
    EXPECT_EQ(body("/box/a?versionid=" + encode_component(one)), "one");
    EXPECT_EQ(body("/box/a?versionid=" + encode_component(described)), "two");
    EXPECT_FALSE(send("HEAD", "/box/a?versionid=" + encode_component(two)).headers.has("x-ms-meta-k"));

    EXPECT_EQ(send("DELETE", "/box/a?versionid=" + encode_component(described)).code(),
              "OperationNotAllowedOnRootBlob");
    EXPECT_EQ(remove("/box/a?versionid=" + encode_component(one)), "true");
    EXPECT_EQ(send("DELETE", "/box/a?versionid=" + encode_component(one)).status, 404);
    remove("/box/a");
    EXPECT_THAT(names(list("")), IsEmpty());
    const std::string left = list("versions");
    EXPECT_THAT(names(left), ElementsAre("a", "a"));
    EXPECT_THAT(left, Not(HasSubstr("IsCurrentVersion")));

    // What was there comes back by a copy, as the account's own.
    const auto copied =
        send("PUT", "/box/a",
             {{"x-ms-copy-source", store_->endpoint() + "/box/a?versionid=" + encode_component(described)}});
    EXPECT_EQ(copied.status, 202) << copied.body;
    EXPECT_EQ(body("/box/a"), "two");
    EXPECT_THAT(names(list("versions")), ElementsAre("a", "a", "a"));
}

TEST_F(past_test, a_blob_from_before_versioning_becomes_a_version) {
    begin({});
    EXPECT_EQ(version_of(put("/box/a", "before")), "");
    versioning_ = true;
    restart();
    EXPECT_THAT(list("versions"), Not(HasSubstr("VersionId")));
    EXPECT_NE(version_of(put("/box/a", "after")), "");
    const std::string all = list("versions");
    EXPECT_THAT(names(all), ElementsAre("a", "a"));
    EXPECT_EQ(body("/box/a?versionid=" + encode_component(text_of(all, "VersionId"))), "before");
    versioning_ = false;
    restart();
    put("/box/a", "last");
    EXPECT_THAT(names(list("versions")), ElementsAre("a", "a")) << "none is made, those there are stay";
}

TEST_F(past_test, undelete_restores_versions_and_not_the_current_one) {
    begin(7, true);
    const std::string one = version_of(put("/box/a", "one"));
    put("/box/a", "two");
    EXPECT_EQ(remove("/box/a?versionid=" + encode_component(one)), "false");
    EXPECT_THAT(names(list("versions")), ElementsAre("a"));
    EXPECT_THAT(names(list("versions,deleted")), ElementsAre("a", "a"));
    remove("/box/a");
    EXPECT_EQ(undelete("/box/a"), 200);
    EXPECT_EQ(send("GET", "/box/a").status, 404);
    EXPECT_EQ(body("/box/a?versionid=" + encode_component(one)), "one");
    EXPECT_THAT(list("versions,deleted"), Not(HasSubstr("<Deleted>")));
}

TEST_F(past_test, pages_of_a_listing_meet_every_item_once) {
    begin(7, true);
    for (const char* name : {"/box/a", "/box/b"}) {
        for (int i = 0; i < 3; ++i) put(name, std::to_string(i));
        send("PUT", std::string(name) + "?comp=snapshot");
        send("PUT", std::string(name) + "?comp=snapshot");
        const std::string all = list("versions", "&prefix=" + std::string(name).substr(5));
        remove(std::string(name) + "?versionid=" + encode_component(text_of(all, "VersionId")));
        const std::string snapshots = list("snapshots", "&prefix=" + std::string(name).substr(5));
        remove(std::string(name) + "?snapshot=" + encode_component(text_of(snapshots, "Snapshot")));
    }
    const std::string include = "deleted,versions,snapshots";
    const auto whole = names(list(include));
    EXPECT_EQ(whole.size(), 10u)
        << "each: a snapshot, one deleted, a version, one deleted, and the current one";
    std::vector<std::string> found;
    std::string marker;
    do {
        const std::string page = list(include, "&maxresults=1&marker=" + encode_component(marker));
        for (auto& name : names(page)) found.push_back(name);
        marker = text_of(page, "NextMarker");
    } while (!marker.empty() && found.size() < 50);
    EXPECT_EQ(found, whole);
}

TEST_F(past_test, versions_are_deleted_with_a_permission_of_their_own) {
    begin({}, true);
    const std::string one = version_of(put("/box/a", "one"));
    put("/box/a", "two");
    const auto with = [&](const std::string& permissions) {
        auth::sas_request want;
        want.container = "box";
        want.permissions = permissions;
        want.expiry = now() + std::chrono::hours(1);
        want.https_only = false;
        const auto made = opened(auth::mint_service_sas(emulator_account, secret(emulator_key), want));
        return made.query().reveal();
    };
    const std::string version = "/box/a?versionid=" + encode_component(one) + "&";
    EXPECT_EQ(send_unsigned("DELETE", version + with("d")).status, 403);
    EXPECT_EQ(send_unsigned("DELETE", "/box/a?" + with("x")).status, 403);
    EXPECT_EQ(send_unsigned("DELETE", version + with("x")).status, 202);
    EXPECT_EQ(send_unsigned("DELETE", "/box/a?" + with("d")).status, 202);
}

}  // namespace
}  // namespace act::store
