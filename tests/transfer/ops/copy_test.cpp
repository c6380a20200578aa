#include "copy_world.hpp"
#include "engine/core/log.hpp"
#include "engine/http/server.hpp"
#include "transfer/plan/block_id.hpp"

namespace act::ops {
namespace {

TEST_F(copy_test, ATreeIsCopiedByTheServiceAndNotTwice) {
    const std::string tree = scratch / "tree";
    const std::vector<std::string> names = {
        "plain.txt",  "a-b",      "a/b",       "a/c d",
        "50%#?+&'\"", "\xC3\xA9", "e\xCC\x81", std::string(200, 'n') + "/x",
        "one"};
    for (std::size_t i = 0; i < names.size(); ++i)
        write_file(tree + "/" + names[i], random_bytes(i * 1000, i));
    write_file(tree + "/large", random_bytes(9 * MiB, 1));
    fs::create_directories(tree + "/empty folder");
    ASSERT_TRUE(up(tree, "t"));
    const auto sent = stats().body_bytes_received.load();

    const summary first = copied("t", "here");
    EXPECT_EQ(first.files, names.size() + 2);
    EXPECT_EQ(first.server_side, names.size() + 2);
    EXPECT_EQ(first.through_client, 0u);
    EXPECT_LT(stats().body_bytes_received.load() - sent, 100 * KiB) << "content passed through the client";
    for (const auto& name : names)
        EXPECT_TRUE(content_there("here/" + name) == read_file(tree + "/" + name)) << name;
    EXPECT_TRUE(content_there("here/large") == read_file(tree + "/large"));
    EXPECT_TRUE(head_there("here/empty folder").is_directory);

    watched->forget();
    const summary again = copied("t", "here");
    EXPECT_EQ(again.files, 0u);
    EXPECT_EQ(again.skipped, names.size() + 2);
    for (const char* what : {"PUT", put_from_url, block_from_url, block_put, commit})
        EXPECT_EQ(watched->count(what), 0u);
}

TEST_F(copy_test, SmallBlobsCostOneRequestEach) {
    for (int i = 0; i < 200; ++i) put("t/" + std::to_string(i), std::to_string(i));
    copied("t", "warm");
    const auto before = clients.back()->transport.stats().requests.load();
    EXPECT_EQ(copied("t", "cold").server_side, 200u);
    EXPECT_LE(clients.back()->transport.stats().requests.load() - before, 200u + 2);
}

TEST_F(copy_test, WhatBelongsToABlobComesAlong) {
    blob::write_options o;
    o.content = {.type = "text/x",
                 .encoding = "gzip",
                 .language = "de",
                 .disposition = "inline",
                 .cache_control = "no-store",
                 .md5 = "AAAAAAAAAAAAAAAAAAAAAA=="};
    o.metadata = {{"mtime", "2024-01-02T03:04:05.678901234Z"}, {"note", "a b"}};
    o.tags = {{"colour", "blue"}};
    o.tier = "Cool";
    const std::string large = random_bytes(9 * MiB, 2);
    put("t/small", "content", o);
    put("t/empty", "", o);
    put("t/middle", large, o);
    const auto own = plan::to_string(
        {0, static_cast<std::uint32_t>(large.size()), codec::xxh3_of(codec::as_bytes(large))});
    ASSERT_TRUE(rt.run(client->put_block({"data", "t/large"}, own, body(large), {}, {}, {})));
    ASSERT_TRUE(rt.run(client->put_block_list({"data", "t/large"}, {own}, o, {})));
    // By itself, as the listing's tags do not come with a HEAD.
    put("alone", "content", o);
    for (const bool relayed : {false, true}) {
        if (relayed) link.emplace(*client, secret(), secret());
        const std::string to = relayed ? "client/" : "server/";
        EXPECT_EQ(copied("t", to + "t").files, 4u);
        EXPECT_EQ(copied("alone", to + "alone").files, 1u);
        for (const char* name : {"t/small", "t/empty", "t/middle", "t/large", "alone"}) {
            const auto p = head_there(to + name);
            EXPECT_EQ(p.content.type, "text/x") << name;
            EXPECT_EQ(p.content.encoding, "gzip") << name;
            EXPECT_EQ(p.content.language, "de") << name;
            EXPECT_EQ(p.content.disposition, "inline") << name;
            EXPECT_EQ(p.content.cache_control, "no-store") << name;
            EXPECT_EQ(p.content.md5, o.content.md5) << name;
            EXPECT_EQ(p.metadata, o.metadata) << name;
            EXPECT_EQ(p.tier, "Cool") << name;
            EXPECT_FALSE(p.tier_inferred) << name;
            auto tags = rt.run(there->get_tags({"copies", to + name}, {}));
            ASSERT_TRUE(tags);
            EXPECT_EQ(*tags, o.tags) << name;
        }
        EXPECT_EQ(ids(*there, {"copies", to + "t/large"}), std::vector{own});
    }
    put("default tier", "x");
    copied("default tier", "default tier");
    EXPECT_TRUE(head_there("default tier").tier_inferred);
}

TEST_F(copy_test, OurBlocksKeepTheirIdsAndOneChangedBlockIsOneCopied) {
    std::string content = random_bytes(40 * MiB, 3);
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big"));
    EXPECT_EQ(copied("big", "big").server_side, 1u);
    EXPECT_EQ(watched->count(block_from_url), 5u);
    EXPECT_EQ(ids(*there, {"copies", "big"}), ids(*client, {"data", "big"}));

    content[20 * MiB] ^= 1;
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big"));
    watched->forget();
    EXPECT_EQ(copied("big", "big").server_side, 1u);
    EXPECT_EQ(watched->count(block_from_url), 1u);
    EXPECT_TRUE(content_there("big") == content);
}

TEST_F(copy_test, SameBlocksWithOtherAttributesAreCommittedAgainWithoutACopy) {
    write_file(scratch / "big", random_bytes(20 * MiB, 4));
    ASSERT_TRUE(up(scratch / "big", "big"));
    copied("big", "big");
    ASSERT_TRUE(rt.run(client->set_metadata({"data", "big"}, {{"now", "other"}}, {}, {})));
    watched->forget();
    EXPECT_EQ(copied("big", "big", {.compare_content = true}).skipped, 1u);
    EXPECT_EQ(copied("big", "big").files, 1u);
    EXPECT_EQ(watched->count(block_from_url), 0u);
    EXPECT_EQ(watched->count(commit), 1u);
    EXPECT_EQ(head_there("big").metadata, (blob::metadata{{"now", "other"}}));
}

TEST_F(copy_test, AnotherToolsBlobsAreOneRequestOrBlocksNamedAfterTheSource) {
    const std::string middle = random_bytes(20 * MiB, 5), large = random_bytes(33 * MiB, 6);
    put_foreign("t/middle", middle, 5 * MiB);
    put_foreign("t/large", large, 10 * MiB);
    next_second();
    EXPECT_EQ(copied("t", "t").server_side, 2u);
    EXPECT_EQ(watched->count(put_from_url), 1u);
    EXPECT_EQ(watched->count(block_from_url), 5u);
    EXPECT_TRUE(content_there("t/middle") == middle);
    EXPECT_TRUE(content_there("t/large") == large);
    for (const auto& id : ids(*there, {"copies", "t/large"})) {
        EXPECT_FALSE(plan::parse_block_id(id)) << "it would be taken for a hash of the content";
        EXPECT_TRUE(plan::has_our_length(id));
    }
    EXPECT_EQ(copied("t", "t").skipped, 2u);
}

TEST_F(copy_test, AnInterruptedCopyGoesOnWithWhatIsMissing) {
    write_file(scratch / "own", random_bytes(48 * MiB, 7));
    ASSERT_TRUE(up(scratch / "own", "own"));
    put_foreign("foreign", random_bytes(48 * MiB, 8), 16 * MiB);
    for (const char* name : {"own", "foreign"}) {
        for (const bool relayed : {false, true}) {
            link.emplace(*client, relayed ? secret() : secret(store::emulator_key), secret());
            const char* block = relayed ? block_put : block_from_url;
            const std::string to = std::string(name) + (relayed ? " relayed" : "");
            put_there(to, "the old content");
            watched->forget();
            stop = stop_source();
            watched->before = [&](const http::request&) -> task<result<void>> {
                if (watched->count(block) == 4) stop.request();
                co_return result<void>();
            };
            lanes = 1;
            auto stopped = cp(name, to);
            ASSERT_TRUE(stopped) << stopped.error().describe();
            EXPECT_TRUE(stopped->stopped);
            EXPECT_EQ(stopped->files, 0u);
            EXPECT_EQ(content_there(to), "the old content");

            watched->before = nullptr;
            stop = stop_source();
            watched->forget();
            EXPECT_EQ(copied(name, to).files, 1u);
            EXPECT_LE(watched->count(block), 3u) << to << ": what was there was copied again";
            EXPECT_GE(watched->count(block), 2u);
            EXPECT_TRUE(content_there(to) == content_of(*client, "data", name));
        }
    }
}

TEST_F(copy_test, ABlobAndAFolderOfOneNameBothCome) {
    put("x", "the blob");
    put("x/y", "below");
    put("x-sibling", "not this");
    EXPECT_EQ(copied("x", "p/x").files, 2u);
    EXPECT_EQ(names_there(), (std::vector<std::string>{"p/x", "p/x/y"}));
    EXPECT_EQ(content_there("p/x"), "the blob");
}

TEST_F(copy_test, AWholeContainer) {
    put("a", "1");
    put("b/c", "2");
    EXPECT_EQ(copied("", "").files, 2u);
    EXPECT_EQ(names_there(), (std::vector<std::string>{"a", "b/c"}));
}

TEST_F(copy_test, WhatIsNotThereIsNotFoundAndMakesNoContainer) {
    put("x", "1");
    auto r = cp("y", "y");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_NE(r.error().message().find("'y'"), std::string::npos);
    EXPECT_EQ(rt.run(there->container_properties("copies", {})).error().kind(), kind::not_found);
}

TEST_F(copy_test, ADryRunCopiesNothing) {
    put("t/a", "1");
    EXPECT_EQ(copied("t", "t", {.dry_run = true}).files, 1u);
    EXPECT_EQ(rt.run(there->container_properties("copies", {})).error().kind(), kind::not_found);
    put_there("other", "1");
    EXPECT_EQ(copied("t", "t", {.dry_run = true}).files, 1u);
    EXPECT_EQ(names_there(), (std::vector<std::string>{"other"}));
}

TEST_F(copy_test, UnchangedIsWhatNobodyCouldTellApart) {
    const blob::write_options dated{.metadata = {{"mtime", "2024-01-02T03:04:05Z"}}};
    put("t/dated", "1234", dated);
    put("t/plain", "1234");
    put_foreign("t/blocks", "1234", 4);
    next_second();
    copied("t", "t");
    EXPECT_EQ(copied("t", "t").skipped, 3u);
    EXPECT_EQ(copied("t", "t", {.always = true}).files, 3u);
    // Another checksum, though size and time are the same.
    put("t/dated", "4321", dated);
    // Newer than its copy, and no checksum.
    put_foreign("t/blocks", "4321", 4);
    EXPECT_EQ(copied("t", "t").files, 2u);
    EXPECT_EQ(content_there("t/dated"), "4321");
    EXPECT_EQ(content_there("t/blocks"), "4321");
    // By content the time does not count.
    put("t/dated", "4321", {.metadata = {{"mtime", "2025-01-02T03:04:05Z"}}});
    EXPECT_EQ(copied("t/dated", "t/dated", {.compare_content = true}).skipped, 1u);
    EXPECT_EQ(copied("t/dated", "t/dated").files, 1u);
}

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
    EXPECT_EQ(watched->count(put_from_url) + watched->count(block_from_url), 1u)
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
                co_return co_await client->set_metadata(at, other, {}, {});
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

TEST_F(copy_test, ADestinationThatChangesMeanwhileIsNotOverwritten) {
    write_file(scratch / "big", random_bytes(9 * MiB, 13));
    ASSERT_TRUE(up(scratch / "big", "big"));
    put("small", "small");
    auto by_others = make_other();
    for (const char* name : {"big", "small"}) {
        for (const bool stood : {true, false}) {
            const std::string to = std::string(name) + (stood ? " stood" : " came");
            if (stood) put_there(to, "old");
            std::atomic<bool> done = false;
            watched->before = [&](const http::request& r) -> task<result<void>> {
                const bool writes = r.target.find("comp=blocklist&") == std::string::npos &&
                                    (r.target.find("comp=blocklist") != std::string::npos ||
                                     (r.headers.has("x-ms-copy-source") && r.headers.has("x-ms-blob-type")));
                if (writes && !done.exchange(true)) {
                    const blob::address at{"copies", to};
                    const auto text = http::body::text("somebody else's");
                    auto w = co_await by_others->put_blob(at, text, {}, {}, {});
                    EXPECT_TRUE(w) << w.error().describe();
                }
                co_return result<void>();
            };
            auto r = cp(name, to);
            watched->before = nullptr;
            ASSERT_TRUE(r) << r.error().describe();
            ASSERT_EQ(r->failed, 1u) << to;
            EXPECT_EQ(r->failures[0].error.kind(), kind::precondition) << r->failures[0].error.describe();
            EXPECT_EQ(content_there(to), "somebody else's");
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
    EXPECT_EQ(page->items.size(), 2u);
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
    EXPECT_EQ(copied("t", "t", {.always = true}).server_side, 2u);
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
        const std::string url = link->origin({"data", "t/a"}, {})->url.reveal();
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
    auto url = [&](wall_time t) { return link->origin({"data", "a"}, {}, t)->url.reveal(); };
    const std::string first = url(at);
    EXPECT_NE(first.find("sp=r&"), std::string::npos) << "it allows more than reading";
    EXPECT_NE(first.find("sr=c"), std::string::npos);
    EXPECT_NE(first.find("se=" + encode_component(to_iso8601(at + std::chrono::hours(1)))), std::string::npos)
        << first;
    EXPECT_EQ(url(at + std::chrono::minutes(29)), first);
    EXPECT_NE(url(at + std::chrono::minutes(31)), first);
    copy_link given(*client, secret(), secret("?sv=2021-12-02&sp=r&sig=abc"));
    EXPECT_NE(given.origin({"data", "a"}, {})->url.reveal().find("/data/a?sp=r&sv=2021-12-02&sig=abc"),
              std::string::npos);
}

}  // namespace
}  // namespace act::ops
