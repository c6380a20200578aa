#include "transfer/ops/blocks_there.hpp"
#include "transfer/plan/block_id.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

TEST_F(ops_test, ATreeComesBackAsItWasAndIsNotSentTwice) {
    const std::string tree = scratch / "tree";
    const std::vector<std::string> names = {
        "plain.txt",        "a-b",      "a/b",       "a/c d",
        "50%#?+&'\"",       "\xC3\xA9", "e\xCC\x81", std::string(200, 'n') + "/x",
        "sub/deep/er/file", "one"};
    for (std::size_t i = 0; i < names.size(); ++i)
        write_file(tree + "/" + names[i], random_bytes(i * 1000, i));
    write_file(tree + "/empty-file", "");
    fs::create_directories(tree + "/empty folder");
    fs::create_directories(tree + "/empty");
    fs::permissions(tree + "/plain.txt", fs::perms(0754));

    auto sent = up(tree, "t");
    ASSERT_TRUE(sent) << sent.error().describe();
    EXPECT_EQ(sent->failed, 0u);
    EXPECT_EQ(sent->files, names.size() + 3);

    const auto before = stats().body_bytes_sent.load();
    auto again = up(tree, "t");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->files, 0u);
    EXPECT_EQ(again->skipped, names.size() + 3);
    EXPECT_EQ(stats().body_bytes_sent.load(), before);

    const std::string copy = scratch / "copy";
    auto got = down("t", copy);
    ASSERT_TRUE(got) << got.error().describe();
    EXPECT_EQ(got->failed, 0u);
    EXPECT_EQ(got->files, names.size() + 3);
    for (const auto& name : names) {
        EXPECT_EQ(read_file(copy + "/" + name), read_file(tree + "/" + name)) << name;
        EXPECT_EQ(fs::last_write_time(copy + "/" + name), fs::last_write_time(tree + "/" + name)) << name;
    }
    EXPECT_TRUE(fs::is_empty(copy + "/empty-file"));
    EXPECT_TRUE(fs::is_directory(copy + "/empty folder"));
    EXPECT_TRUE(fs::is_directory(copy + "/empty"));
    EXPECT_EQ(fs::status(copy + "/plain.txt").permissions(), fs::perms(0754));

    auto once_more = down("t", copy);
    ASSERT_TRUE(once_more);
    EXPECT_EQ(once_more->files, 0u);
    EXPECT_EQ(once_more->skipped, names.size() + 3);
}

TEST_F(ops_test, SmallFilesCostOneRequestEach) {
    for (int i = 0; i < 300; ++i) write_file(scratch / ("tree/" + std::to_string(i)), std::to_string(i));
    ASSERT_TRUE(up(scratch / "tree", "warm"));
    const auto before = stats().requests.load();
    ASSERT_TRUE(up(scratch / "tree", "t"));
    EXPECT_LE(stats().requests.load() - before, 300u + 2);
}

TEST_F(ops_test, ALargeFileTravelsInBlocksThatNameTheirContent) {
    const std::string content = random_bytes(20 * MiB + 1, 1);
    write_file(scratch / "big", content);
    upload_options o;
    o.block_size = 8 * MiB;
    ASSERT_TRUE(up(scratch / "big", "big", o));
    auto list = rt.run(client->get_block_list(blob::address{"data", "big"}, true, true, {}));
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->uncommitted.empty());
    auto own = plan::own_layout(list->committed, content.size());
    ASSERT_TRUE(own);
    ASSERT_EQ(own->size(), 3u);
    EXPECT_EQ((*own)[2].hash, codec::xxh3_of(codec::as_bytes(std::string_view(content).substr(16 * MiB))));

    ASSERT_TRUE(down("big", scratch / "back"));
    EXPECT_TRUE(read_file(scratch / "back") == content);
}

TEST_F(ops_test, OneChangedByteSendsOneBlock) {
    std::string content = random_bytes(24 * MiB, 2);
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big"));
    content[12 * MiB] ^= 1;
    write_file(scratch / "big", content);
    const auto before = stats().body_bytes_sent.load();
    ASSERT_TRUE(up(scratch / "big", "big"));
    const auto sent = stats().body_bytes_sent.load() - before;
    EXPECT_GE(sent, 8 * MiB);
    EXPECT_LE(sent, 8 * MiB + 64 * KiB);
    ASSERT_TRUE(down("big", scratch / "back"));
    EXPECT_TRUE(read_file(scratch / "back") == content);
}

TEST_F(ops_test, SizesAroundTheLimitsComeBack) {
    const std::string tree = scratch / "tree";
    unsigned seed = 0;
    for (const std::uint64_t base : {4 * MiB, 8 * MiB, 16 * MiB}) {
        for (const int delta : {-1, 0, 1}) {
            write_file(tree + "/" + std::to_string(base + delta), random_bytes(base + delta, ++seed));
        }
    }
    ASSERT_TRUE(up(tree, "sizes"));
    auto got = down("sizes", scratch / "copy");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->files, 9u);
    for (const auto& e : fs::directory_iterator(tree)) {
        const auto name = e.path().filename().string();
        EXPECT_TRUE(read_file(e.path().string()) == read_file(scratch / ("copy/" + name))) << name;
    }
}

TEST_F(ops_test, UncommittedBlocksOfAnotherToolAreCleared) {
    write_file(scratch / "big", random_bytes(9 * MiB, 3));
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const blob::address where{"data", "big"};
    ASSERT_TRUE(rt.run(client->put_block(where, "MDAwMQ==", http::body::text("foreign"), {}, {}, {})));
    auto sent = up(scratch / "big", "big");
    ASSERT_TRUE(sent) << sent.error().describe();
    EXPECT_EQ(sent->failed, 0u) << sent->failures.front().error.describe();
    ASSERT_TRUE(down("big", scratch / "back"));
    EXPECT_TRUE(read_file(scratch / "back") == read_file(scratch / "big"));
}

TEST_F(ops_test, ABlobThatCameMeanwhileIsNotDeletedWithTheBlocksOfAnotherTool) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    const blob::address where{"data", "theirs"};
    ASSERT_TRUE(rt.run(client->put_blob(where, http::body::text("precious"), {}, {}, {})));
    ASSERT_TRUE(rt.run(client->put_block(where, "MDAwMQ==", http::body::text("more"), {}, {}, {})));
    std::optional<blob::properties> not_seen;
    auto found = rt.run(find_blocks(*client, where, not_seen, {}));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind(), kind::precondition) << found.error().describe();
    ASSERT_TRUE(down("theirs", scratch / "back"));
    EXPECT_EQ(read_file(scratch / "back"), "precious");
}

TEST_F(ops_test, AWrongKeyIsOneErrorForTheWholeOperation) {
    for (int i = 0; i < 50; ++i) write_file(scratch / ("tree/" + std::to_string(i)), "x");
    client = make_client("AAAA");
    auto r = up(scratch / "tree", "t");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::authentication) << r.error().describe();
    EXPECT_FALSE(r.error().advice().empty());
}

TEST_F(ops_test, AnUnreadableFileFailsAloneAndTheRestArrives) {
    if (::geteuid() == 0) {
        // Root reads everything; a dangling link fails just as alone.
        write_file(scratch / "tree/good", "x");
        fs::create_symlink("nowhere", scratch / "tree/bad");
    } else {
        write_file(scratch / "tree/good", "x");
        write_file(scratch / "tree/bad", "x");
        fs::permissions(scratch / "tree/bad", fs::perms::none);
    }
    auto r = up(scratch / "tree", "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->failed, 1u);
    EXPECT_NE(r->failures.at(0).path.find("bad"), std::string::npos);
}

TEST_F(ops_test, AMissingLocalPathSaysSo) {
    auto r = up(scratch / "nothing", "t");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_NE(r.error().message().find("nothing"), std::string::npos);
}

TEST_F(ops_test, ADryRunSendsNothing) {
    write_file(scratch / "tree/a", "x");
    auto r = up(scratch / "tree", "t", {.dry_run = true});
    ASSERT_TRUE(r) << "a container that would be made: " << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(rt.run(client->container_properties("data", {})).error().kind(), kind::not_found);
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    r = up(scratch / "tree", "t", {.dry_run = true});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    EXPECT_TRUE(ls("t").empty());
}

TEST_F(ops_test, ByContentWhatIsTheSameIsNotSent) {
    write_file(scratch / "tree/small", "same");
    write_file(scratch / "tree/large", random_bytes(9 * MiB, 5));
    ASSERT_TRUE(up(scratch / "tree", "t"));
    for (const char* name : {"small", "large"}) {
        fs::last_write_time(scratch / ("tree/" + std::string(name)), fs::file_time_type::clock::now());
    }
    auto r = up(scratch / "tree", "t", {.compare_content = true});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 0u);
    EXPECT_EQ(r->skipped, 2u);
}

}  // namespace
}  // namespace act::ops
