#include "world.hpp"

namespace act::ops {
namespace {

class download_test : public ops_test {
protected:
    void put(const std::string& name, const std::string& content) {
        (void)rt.run(client->create_container("data", {}));
        auto r = rt.run(client->put_blob(blob::address{"data", name}, http::body::text(content), {}, {}, {}));
        ASSERT_TRUE(r) << r.error().describe();
    }
};

TEST_F(download_test, ABlobAloneBecomesAFile) {
    put("dir/one", "content");
    auto r = down("dir/one", scratch / "deep/er/one");
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(read_file(scratch / "deep/er/one"), "content");
}

TEST_F(download_test, NeitherBlobNorFolderIsNotFound) {
    put("other", "x");
    auto r = down("nothing", scratch / "nothing");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_FALSE(fs::exists(scratch / "nothing"));
}

TEST_F(download_test, AMissingContainerIsNotFound) {
    auto r = down("x", scratch / "x");
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_EQ(r.error().code(), "ContainerNotFound");
}

TEST_F(download_test, ASiblingWithTheSamePrefixStaysWhereItIs) {
    put("coco/a", "1");
    put("coco2017/b", "2");
    ASSERT_TRUE(down("coco", scratch / "coco"));
    EXPECT_TRUE(fs::exists(scratch / "coco/a"));
    EXPECT_FALSE(fs::exists(scratch / "coco/b"));
    EXPECT_FALSE(fs::exists(scratch / "coco2017"));
}

TEST_F(download_test, NamesThatCannotBeFilesAreRefusedOneByOne) {
    put("t/good", "1");
    put("t/" + std::string(300, 'n'), "2");
    put("t/x//y", "3");
    auto r = down("t", scratch / "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->failed, 2u);
}

TEST_F(download_test, ABlobAndAFolderOfTheSameNameIsAFailureOfOne) {
    put("t/a", "file");
    put("t/a/b", "below");
    auto r = down("t", scratch / "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files + r->failed, 2u);
    EXPECT_EQ(r->failed, 1u);
}

TEST_F(download_test, AnotherToolsLargeBlobIsVerifiedByRanges) {
    const std::string content = random_bytes(13 * MiB, 9);
    put("foreign", content);
    ASSERT_TRUE(down("foreign", scratch / "foreign"));
    EXPECT_TRUE(read_file(scratch / "foreign") == content);
}

TEST_F(download_test, OnlyWhatDiffersFromTheOlderFileIsFetched) {
    std::string content = random_bytes(24 * MiB, 4);
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big"));
    std::string older = content;
    older[20 * MiB] ^= 1;
    write_file(scratch / "copy", older);
    const auto before = stats().body_bytes_received.load();
    download_options o;
    o.overwrite = plan::overwrite::always;
    ASSERT_TRUE(down("big", scratch / "copy", o));
    EXPECT_LE(stats().body_bytes_received.load() - before, 8 * MiB + 64 * KiB);
    EXPECT_TRUE(read_file(scratch / "copy") == content);
}

TEST_F(download_test, NothingIsLeftBesideTheFile) {
    write_file(scratch / "big", random_bytes(9 * MiB, 4));
    ASSERT_TRUE(up(scratch / "big", "big"));
    ASSERT_TRUE(down("big", scratch / "out/big"));
    EXPECT_EQ(std::distance(fs::directory_iterator(scratch / "out"), {}), 1);
}

}  // namespace
}  // namespace act::ops
