#include "copy_world.hpp"
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
    EXPECT_EQ(copied("t", "t", {.overwrite = plan::overwrite::always}).files, 3u);
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

}  // namespace
}  // namespace act::ops
