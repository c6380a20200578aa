#include "copy_world.hpp"
#include "engine/core/log.hpp"
#include "engine/http/server.hpp"

namespace act::ops {
namespace {

TEST_F(copy_test, WhereTheServiceMayNotReadTheSourceTheDataPassThroughTheClient) {
    // The destination's service is refused with this key; the client has a good one.
    link.emplace(*client, secret("d3Jvbmc="), secret());
    lanes = 1;
    for (int i = 0; i < 20; ++i) put("t/" + std::to_string(i), random_bytes(1000, i));
    write_file(scratch / "big", random_bytes(17 * MiB, 9));
    ASSERT_TRUE(up(scratch / "big", "t/big"));
    put_foreign("t/foreign", random_bytes(17 * MiB, 10), 5 * MiB);
    const summary all = copied("t", "t");
    EXPECT_EQ(all.through_client, 22u);
    EXPECT_EQ(all.server_side, 0u);
    // A small file and a large one may both be on their way when the first refusal comes.
    EXPECT_LE(watched->count(put_from_url) + watched->count(block_from_url), 2u)
        << "the refusal was not remembered";
    for (const char* name : {"t/0", "t/19", "t/big", "t/foreign"}) {
        EXPECT_TRUE(content_there(name) == content_of(*client, "data", name)) << name;
    }
    EXPECT_EQ(ids(*there, {"copies", "t/big"}), ids(*client, {"data", "t/big"}));
    EXPECT_EQ(copied("t", "t").skipped, 22u);
}

TEST_F(copy_test, WhatTheServiceLacksIsLearntForEachForm) {
    lanes = 1;
    watched->before = [](const http::request& r) -> task<result<void>> {
        if (r.headers.has("x-ms-copy-source") && r.headers.has("x-ms-blob-type")) {
            co_return error(kind::unsupported, "no Put Blob From URL")
                .with_service("APINotImplemented", 501, {});
        }
        co_return result<void>();
    };
    for (int i = 0; i < 5; ++i) put("t/" + std::to_string(i), "content");
    put_foreign("t/middle", random_bytes(17 * MiB, 11), 5 * MiB);
    const summary all = copied("t", "t");
    EXPECT_EQ(all.through_client, 5u);
    EXPECT_EQ(all.server_side, 1u) << "blocks from a URL still do";
    EXPECT_EQ(watched->count(put_from_url), 1u);
    EXPECT_EQ(watched->count(block_from_url), 3u);
}

TEST_F(copy_test, AnUnreachableSourceIsOnlyBelievedWhenTheClientReachesIt) {
    // What the service is told to read is another address than the client's.
    http::client transport(rt, {});
    blob::client elsewhere(transport,
                           {store::emulator_account, *parse_uri("http://127.0.0.1:1/devstoreaccount1"), {}},
                           auth::anonymous());
    link.emplace(elsewhere, secret(store::emulator_key), secret());
    http::pipeline_options quick;
    quick.retry = {.max_tries = 2, .first_delay = std::chrono::milliseconds(1)};
    blob::client patient(clients.back()->transport, {other_account, *parse_uri(other->endpoint()), {}},
                         watched, quick);
    there = &patient;
    lanes = 1;
    for (int i = 0; i < 5; ++i) put("t/" + std::to_string(i), "content");
    EXPECT_EQ(copied("t", "t").through_client, 5u);
    EXPECT_EQ(watched->count(put_from_url), 2u) << "one, tried twice";
    rt.run(transport.close());
}

TEST_F(copy_test, AddressesTooLongForTheHeaderPassThroughTheClient) {
    std::string name = "t/";
    for (int i = 0; i < 300; ++i) name += "\xE6\x97\xA5";  // nine bytes in a URL, each
    put(name, "content");
    put("t/short", "content");
    const summary all = copied("t", "t");
    EXPECT_EQ(all.through_client, 1u);
    EXPECT_EQ(all.server_side, 1u);
}

TEST_F(copy_test, ASourceThatChangesMeanwhileIsAnErrorAndTheOldCopyStays) {
    write_file(scratch / "big", random_bytes(17 * MiB, 12));
    ASSERT_TRUE(up(scratch / "big", "big"));
    put("small", "small");
    for (const bool relayed : {false, true}) {
        if (relayed) link.emplace(*client, secret(), secret());
        for (const char* name : {"big", "small"}) {
            put_there(name, "old");
            std::atomic<int> changes = 0;
            // The first look at the destination: the source's version is known by then.
            watched->before = [&](const http::request& r) -> task<result<void>> {
                if (r.method != http::verb::head || changes.fetch_add(1) > 0) co_return result<void>();
                const blob::address at{"data", name};
                const blob::metadata other{{"relayed", std::to_string(relayed)}};
                ACT_CO_TRY(auto written, co_await client->set_metadata(at, other, {}, {}));
                (void)written;
                co_return result<void>();
            };
            auto r = cp(name, name);
            watched->before = nullptr;
            ASSERT_TRUE(r) << r.error().describe();
            ASSERT_EQ(r->failed, 1u) << name;
            EXPECT_EQ(r->failures[0].error.kind(), kind::precondition) << r->failures[0].error.describe();
            EXPECT_NE(r->failures[0].error.message().find("while it was copied"), std::string::npos);
            EXPECT_EQ(content_there(name), "old");
        }
    }
}

TEST_F(copy_test, SnapshotsAreLeftAlone) {
    put("t/a", "first");
    ASSERT_TRUE(rt.run(client->snapshot({"data", "t/a"}, {})));
    put("t/a", "second");
    put_there("t/a", "old");
    ASSERT_TRUE(rt.run(there->snapshot({"copies", "t/a"}, {})));
    EXPECT_EQ(copied("t", "t").files, 1u);
    blob::list_options all;
    all.snapshots = true;
    auto page = rt.run(there->list("copies", all, {}));
    ASSERT_TRUE(page);
    EXPECT_EQ(page->size(), 2u);
    EXPECT_EQ(content_there("t/a"), "second");
}

TEST_F(copy_test, UncommittedBlocksOfAnotherToolAreCleared) {
    write_file(scratch / "big", random_bytes(9 * MiB, 14));
    ASSERT_TRUE(up(scratch / "big", "big"));
    ASSERT_TRUE(rt.run(there->create_container("copies", {})));
    ASSERT_TRUE(rt.run(there->put_block({"copies", "big"}, "MDAwMQ==", body("foreign"), {}, {}, {})));
    EXPECT_EQ(copied("big", "big").server_side, 1u);
    EXPECT_TRUE(content_there("big") == read_file(scratch / "big"));
}

TEST_F(copy_test, AppendAndPageBlobsAreCopiedByTheServiceToWhereNothingStands) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const std::string text = random_bytes(1000, 15), pages = random_bytes(10 * MiB, 16);
    const blob::address log{"data", "t/log"}, disk{"data", "t/disk"};
    ASSERT_TRUE(rt.run(client->create_append_blob(log, {.metadata = {{"a", "b"}}}, {})));
    ASSERT_TRUE(rt.run(client->append_block(log, body(text), 0, {})));
    ASSERT_TRUE(rt.run(client->create_page_blob(disk, 10 * MiB, {}, {})));
    for (std::uint64_t at = 0; at < 10 * MiB; at += 2 * MiB) {
        const auto piece = std::string_view(pages).substr(at, 2 * MiB);
        ASSERT_TRUE(rt.run(client->put_page(disk, {at, 2 * MiB}, body(piece), {})));
    }
    next_second();
    EXPECT_EQ(copied("t", "t").server_side, 2u);
    EXPECT_TRUE(content_there("t/log") == text);
    EXPECT_TRUE(content_there("t/disk") == pages);
    EXPECT_EQ(head_there("t/log").type, blob::blob_type::append);
    EXPECT_EQ(head_there("t/log").metadata, (blob::metadata{{"a", "b"}}));
    EXPECT_EQ(head_there("t/disk").type, blob::blob_type::page);
    EXPECT_EQ(copied("t", "t").skipped, 2u);

    ASSERT_TRUE(rt.run(client->append_block(log, body("more"), 1000, {})));
    auto refused = cp("t", "t");
    ASSERT_TRUE(refused);
    ASSERT_EQ(refused->failed, 1u);
    EXPECT_EQ(refused->failures[0].error.kind(), kind::conflict);
    EXPECT_TRUE(content_there("t/log") == text);
    EXPECT_EQ(copied("t", "t", {.overwrite = plan::overwrite::always}).server_side, 2u);
    EXPECT_TRUE(content_there("t/log") == text + "more");
}

/// A source that tells of 20 MiB and then keeps silent.
task<void> stall(http::server_exchange& x, stop_token end) {
    http::fields f;
    f.add("x-ms-blob-type", "PageBlob");
    f.add("ETag", "\"1\"");
    (void)co_await x.begin(200, f, 20 * MiB, {});
    (void)co_await x.write(http::body::text("the beginning"), {});
    (void)co_await sleep_for(std::chrono::minutes(1), {.stop = end});
    x.abort();
}

TEST_F(copy_test, AStoppedCopyOfTheServiceIsTakenBack) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const blob::address disk{"data", "disk"};
    ASSERT_TRUE(rt.run(client->create_page_blob(disk, 20 * MiB, {}, {})));
    stop_source end;
    http::server slow(rt, {}, [&](http::server_exchange& x) { return stall(x, end.token()); });
    ASSERT_TRUE(slow.start());
    http::client transport(rt, {});
    blob::client elsewhere(transport,
                           {store::emulator_account, *parse_uri(slow.url() + "/devstoreaccount1"), {}},
                           auth::anonymous());
    link.emplace(elsewhere, secret(store::emulator_key), secret());
    watched->before = [&](const http::request& r) -> task<result<void>> {
        // The first look after the copy was begun.
        if (r.method == http::verb::head && watched->count(put_from_url) == 1) stop.request();
        co_return result<void>();
    };
    auto r = cp("disk", "disk");
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_TRUE(r->stopped);
    EXPECT_EQ(r->files, 0u);
    EXPECT_EQ(watched->count("PUT comp=copy"), 1u);
    EXPECT_TRUE(names_there().empty());
    end.request();
    rt.run(slow.stop(steady::duration::zero()));
    rt.run(transport.close());
}

TEST_F(copy_test, ACopyOfTheServiceThatAKilledRunLeftIsWaitedForOrReplaced) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    ASSERT_TRUE(rt.run(there->create_container("copies", {})));
    ASSERT_TRUE(rt.run(client->create_page_blob({"data", "disk"}, 20 * MiB, {}, {})));
    stop_source end;
    http::server slow(rt, {}, [&](http::server_exchange& x) { return stall(x, end.token()); });
    ASSERT_TRUE(slow.start());
    const blob::copy_origin stalled{secret(slow.url() + "/a/data/disk")};
    const auto form = blob::copy_form::automatic_async;
    ASSERT_TRUE(rt.run(there->copy(form, stalled, {"copies", "disk"}, {}, {})));
    auto r = cp("disk", "disk");
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->failed, 1u);
    EXPECT_NE(r->failures[0].error.message().find("still being copied"), std::string::npos);
    end.request();
    while (head_there("disk").copy_status == "pending") continue;
    EXPECT_EQ(copied("disk", "disk").server_side, 1u);
    EXPECT_EQ(head_there("disk").size, 20 * MiB);
    rt.run(slow.stop(steady::duration::zero()));
}

TEST_F(copy_test, ArchivedBlobsAreReported) {
    put("t/cold", "content", {.tier = "Archive"});
    put("t/warm", "content");
    auto r = cp("t", "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    ASSERT_EQ(r->failed, 1u);
    EXPECT_NE(r->failures[0].error.message().find("archive"), std::string::npos);
}

TEST_F(copy_test, PlacesWithinEachOtherAreRefused) {
    put("a/b", "1");
    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 8};
    for (const auto& [from, to] :
         {std::pair("a", "a"), std::pair("", "a"), std::pair("a", "a/b"), std::pair("a/b", "a")}) {
        auto r = rt.run(copy(c, {*client, "data", from, *link}, {*client, "data", to}, {}));
        ASSERT_FALSE(r) << from << " to " << to;
        EXPECT_EQ(r.error().kind(), kind::usage);
    }
    auto beside = rt.run(copy(c, {*client, "data", "a", *link}, {*client, "data", "ab"}, {}));
    ASSERT_TRUE(beside) << beside.error().describe();
    EXPECT_EQ(beside->server_side, 1u);
}

TEST_F(copy_test, FoldersAndFilesInEachOthersPlaceAreReported) {
    put("t/x", "file");
    put("t/y", "", {.metadata = {{"hdi_isfolder", "true"}}});
    put_there("t/x", "", {.metadata = {{"hdi_isfolder", "true"}}});
    put_there("t/y", "file");
    auto r = cp("t", "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 2u);
    for (const auto& f : r->failures) EXPECT_EQ(f.error.kind(), kind::conflict);
    EXPECT_EQ(content_there("t/y"), "file");
}

TEST_F(copy_test, NoSignatureIsEverTold) {
    std::mutex mutex;
    std::string told;
    act::log::set_level(act::log::level::trace);
    act::log::set_sink([&](act::log::level, std::string_view line) {
        std::lock_guard lock(mutex);
        told.append(line).push_back('\n');
    });
    put("t/a", "1");
    std::vector<std::string> signatures;
    for (const char* key : {store::emulator_key, "d3Jvbmc="}) {
        link.emplace(*client, secret(key), secret());
        const std::string url = rt.run(link->origin({"data", "t/a"}, {}, {}))->url.reveal();
        signatures.push_back(url.substr(url.find("sig=") + 4));
        copied("t", "to" + std::to_string(signatures.size()));
    }
    act::log::set_sink(nullptr);
    act::log::set_level(act::log::level::warning);
    EXPECT_NE(told.find("copies go through this machine"), std::string::npos) << told;
    for (const auto& s : signatures) EXPECT_EQ(told.find(s), std::string::npos);
}

TEST_F(copy_test, TheSignatureIsRenewedInGoodTime) {
    const auto at = now();
    auto url = [&](wall_time t) { return rt.run(link->origin({"data", "a"}, {}, {}, t))->url.reveal(); };
    const std::string first = url(at);
    EXPECT_NE(first.find("sp=r&"), std::string::npos) << "it allows more than reading";
    EXPECT_NE(first.find("sr=c"), std::string::npos);
    EXPECT_NE(first.find("se=" + encode_component(to_iso8601(at + std::chrono::hours(1)))), std::string::npos)
        << first;
    EXPECT_EQ(url(at + std::chrono::minutes(29)), first);
    EXPECT_NE(url(at + std::chrono::minutes(31)), first);
    copy_link given(*client, secret(), secret("?sv=2021-12-02&sp=r&sig=abc"));
    EXPECT_NE(
        rt.run(given.origin({"data", "a"}, {}, {}))->url.reveal().find("/data/a?sp=r&sv=2021-12-02&sig=abc"),
        std::string::npos);
}

}  // namespace
}  // namespace act::ops
