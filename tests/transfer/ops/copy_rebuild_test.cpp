// Append and page blobs through the client, for when the service does not copy them.
#include "copy_world.hpp"

namespace act::ops {
namespace {

class rebuild_test : public copy_test {
protected:
    void SetUp() override {
        copy_test::SetUp();
        ASSERT_TRUE(rt.run(client->create_container("data", {})));
        ASSERT_TRUE(rt.run(there->create_container("copies", {})));
        link.emplace(*client, secret(), secret());  // nothing for the service to read with
    }

    void make_log(const std::string& name, const std::string& content, blob::write_options o = {}) {
        const blob::address log{"data", name};
        ASSERT_TRUE(rt.run(client->create_append_blob(log, o, {})));
        for (std::size_t at = 0; at < content.size(); at += MiB) {
            const auto piece = body(std::string_view(content).substr(at, MiB));
            ASSERT_TRUE(rt.run(client->append_block(log, piece, at, {})));
        }
    }
    void make_disk(const std::string& name, std::uint64_t size,
                   const std::vector<std::pair<std::uint64_t, std::string>>& pages,
                   blob::write_options o = {}) {
        const blob::address disk{"data", name};
        ASSERT_TRUE(rt.run(client->create_page_blob(disk, size, o, {})));
        for (const auto& [at, content] : pages)
            ASSERT_TRUE(rt.run(client->put_page(disk, {at, content.size()}, body(content), {})));
    }
};

TEST_F(rebuild_test, BothComeOverWithWhatBelongsToThem) {
    const std::string text = random_bytes(9 * MiB + 77, 1), pages = random_bytes(3 * MiB, 2);
    const blob::write_options about{.content = {.type = "text/x", .cache_control = "no-store"},
                                    .metadata = {{"a", "b"}},
                                    .tags = {{"k", "v"}}};
    make_log("t/log", text, about);
    make_log("t/none", "");
    make_disk("t/disk", 128 * MiB, {{5 * MiB, pages}, {100 * MiB, pages}}, about);
    make_disk("t/zeros", 64 * MiB, {});
    next_second();
    const auto before = stats().body_bytes_received.load();
    auto r = copied("t", "t");
    EXPECT_EQ(r.files, 4u);
    EXPECT_EQ(r.through_client, 4u);
    EXPECT_LT(stats().body_bytes_received.load() - before, 20 * MiB) << "holes do not travel";
    EXPECT_TRUE(content_there("t/log") == text);
    EXPECT_EQ(content_there("t/none"), "");
    EXPECT_EQ(head_there("t/zeros").size, 64 * MiB);
    const auto disk = head_there("t/disk");
    EXPECT_EQ(disk.size, 128 * MiB);
    EXPECT_EQ(disk.type, blob::blob_type::page);
    EXPECT_EQ(head_there("t/log").type, blob::blob_type::append);
    for (const char* name : {"t/log", "t/disk"}) {
        const auto p = head_there(name);
        EXPECT_EQ(p.metadata, about.metadata) << name;
        EXPECT_EQ(p.content.type, "text/x");
        EXPECT_EQ(p.content.cache_control, "no-store");
        EXPECT_EQ(rt.run(there->get_tags({"copies", name}, {})).value(), about.tags);
    }
    auto ranges = rt.run(there->get_page_ranges({"copies", "t/disk"}, {}, {}));
    ASSERT_TRUE(ranges);
    ASSERT_EQ(ranges->size(), 2u);
    EXPECT_EQ((*ranges)[0].offset, 5 * MiB);
    EXPECT_EQ((*ranges)[1].length, 3 * MiB);
    const std::string whole = content_there("t/disk");
    EXPECT_TRUE(whole.substr(100 * MiB, pages.size()) == pages);
    EXPECT_EQ(whole[4 * MiB], '\0');
    EXPECT_EQ(copied("t", "t").skipped, 4u);
}

TEST_F(rebuild_test, WhatTheServiceRefusesIsBuiltAndTheRefusalRemembered) {
    link.emplace(*client, secret(store::emulator_key), secret());
    make_log("t/a", "one");
    make_log("t/b", "two");
    watched->before = [](const http::request& r) -> task<result<void>> {
        if (r.headers.has("x-ms-copy-source"))
            co_return error(kind::unsupported, "no such thing")
                .with_service("InvalidSourceBlobType", 409, "");
        co_return result<void>();
    };
    EXPECT_EQ(copied("t", "t").through_client, 2u);
    EXPECT_EQ(content_there("t/a"), "one");
    EXPECT_GE(watched->count(put_from_url), 1u);
    watched->forget();
    EXPECT_EQ(copied("t", "again").through_client, 2u);
    EXPECT_EQ(watched->count(put_from_url), 0u);
}

TEST_F(rebuild_test, WhatStandsThereStaysUnlessAskedFor) {
    make_log("log", "new");
    put_there("log", "old");
    auto refused = cp("log", "log");
    ASSERT_TRUE(refused);
    ASSERT_EQ(refused->failed, 1u);
    EXPECT_EQ(refused->failures[0].error.kind(), kind::conflict);
    EXPECT_EQ(content_there("log"), "old");
    EXPECT_EQ(copied("log", "log", {.overwrite = plan::overwrite::always}).through_client, 1u);
    EXPECT_EQ(content_there("log"), "new");
}

TEST_F(rebuild_test, AStoppedOrFailedCopyIsTakenBack) {
    make_disk("disk", 32 * MiB, {{0, random_bytes(4 * MiB, 3)}, {9 * MiB, random_bytes(4 * MiB, 4)}});
    for (const bool stopped : {false, true}) {
        watched->forget();
        watched->before = [&, stopped](const http::request& r) -> task<result<void>> {
            if (r.target.find("comp=page") == std::string::npos || watched->count("PUT comp=page") < 2)
                co_return result<void>();
            if (!stopped) co_return error(kind::permission, "no more").with_service("Why", 409, "");
            stop.request();
            co_return result<void>();
        };
        auto r = cp("disk", "disk");
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->files, 0u);
        EXPECT_EQ(r->stopped, stopped);
        EXPECT_TRUE(names_there().empty());
    }
}

TEST_F(rebuild_test, WhatAKilledRunLeftIsMarkedAndReplaced) {
    const std::string pages = random_bytes(4 * MiB, 5);
    make_disk("disk", 32 * MiB, {{0, pages}}, {.metadata = {{"a", "b"}}});
    // As after the first page of such a run: of full size, younger than the source.
    next_second();
    const blob::metadata marked{{"a", "b"}, {"act_unfinished", "somebody"}};
    ASSERT_TRUE(rt.run(there->create_page_blob({"copies", "disk"}, 32 * MiB, {.metadata = marked}, {})));
    EXPECT_EQ(copied("disk", "disk").through_client, 1u);
    EXPECT_EQ(head_there("disk").metadata, (blob::metadata{{"a", "b"}}));
    EXPECT_TRUE(content_there("disk").substr(0, pages.size()) == pages);
}

TEST_F(rebuild_test, WhatAKilledRunLeftIsNoCopyWhateverItsMd5Says) {
    const std::string pages = random_bytes(4 * MiB, 5);
    const std::string md5 = "bW1tbW1tbW1tbW1tbW1tbQ==";
    make_disk("disk", 32 * MiB, {{0, pages}}, {.content = {.md5 = md5}});
    next_second();
    auto leave_half = [&] {
        const blob::write_options half{.content = {.md5 = md5}, .metadata = {{"act_unfinished", "somebody"}}};
        ASSERT_TRUE(rt.run(there->create_page_blob({"copies", "disk"}, 32 * MiB, half, {})));
    };
    leave_half();
    EXPECT_EQ(head_there("disk").content.md5, md5) << "or this proves nothing";
    for (const auto how : {plan::overwrite::different, plan::overwrite::newer}) {
        leave_half();
        EXPECT_EQ(copied("disk", "disk", {.overwrite = how}).through_client, 1u);
        EXPECT_TRUE(content_there("disk").substr(0, pages.size()) == pages);
    }
    leave_half();
    copied("disk", "disk", {.remove_source = true});
    EXPECT_TRUE(content_there("disk").substr(0, pages.size()) == pages) << "moved, and the source is gone";
}

TEST_F(rebuild_test, AnUnfinishedCopyIsNoSource) {
    make_log("log", "half", {.metadata = {{"act_unfinished", "x"}}});
    auto r = cp("log", "log");
    ASSERT_TRUE(r);
    ASSERT_EQ(r->failed, 1u);
    EXPECT_NE(r->failures[0].error.message().find("not finished"), std::string::npos);
    EXPECT_TRUE(names_there().empty());
}

TEST_F(rebuild_test, WhatSomebodyElseWritesMeanwhileIsLeftToThem) {
    make_log("log", random_bytes(9 * MiB, 6));
    auto* other_client = make_other();
    std::atomic<bool> done{false};
    watched->before = [&](const http::request& r) -> task<result<void>> {
        if (r.target.find("comp=appendblock") != std::string::npos &&
            watched->count("PUT comp=appendblock") == 2 && !done.exchange(true)) {
            auto written = co_await other_client->put_blob({"copies", "log"}, body("theirs"), {}, {}, {});
            EXPECT_TRUE(written);
        }
        co_return result<void>();
    };
    auto r = cp("log", "log");
    ASSERT_TRUE(r);
    ASSERT_EQ(r->failed, 1u);
    EXPECT_EQ(content_there("log"), "theirs");
}

TEST_F(rebuild_test, ArchivedBlobsThatAreThereUnchangedAreNoFailure) {
    put("t/x", "content", {.metadata = {{"mtime", "2026-01-02T03:04:05Z"}}});
    ASSERT_EQ(copied("t", "t").files, 1u);
    ASSERT_TRUE(rt.run(client->set_tier({"data", "t/x"}, "Archive", {})));
    EXPECT_EQ(copied("t", "t").skipped, 1u);
}

}  // namespace
}  // namespace act::ops
