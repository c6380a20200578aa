// What goes with new blobs: types by name, and what the call gives.

#include "copy_world.hpp"
#include "transfer/ops/content_types.hpp"
#include "transfer/ops/stream.hpp"

namespace act::ops {
namespace {

TEST(ContentTypes, CommonOnesAreBuiltIn) {
    const content_types types("/nowhere");
    EXPECT_EQ(types.of("a/b.json"), "application/json");
    EXPECT_EQ(types.of("PHOTO.JPG"), "image/jpeg");
    EXPECT_EQ(types.of("x.tar.gz"), "application/gzip");
    EXPECT_EQ(types.of("model.safetensors"), "application/octet-stream");
    for (const char* name :
         {"README", ".json", "a.json/README", "x.", "x.unknown", "", "x.an-extension-too-long"})
        EXPECT_EQ(types.of(name), "") << name;
}

TEST(ContentTypes, TheSystemsTableAddsToThem) {
    scratch_folder scratch;
    write_file(
        scratch / "mime.types",
        "# a comment\nchemical/x-pdb\tpdb  ent # more\napplication/x-mine  json pt\nnonsense\nbad type\n"
        "text/empty\nx/y\r\nlast/one LAST");
    const content_types types(scratch / "mime.types");
    EXPECT_EQ(types.of("x.pdb"), "chemical/x-pdb");
    EXPECT_EQ(types.of("x.ENT"), "chemical/x-pdb");
    EXPECT_EQ(types.of("x.last"), "last/one");
    EXPECT_EQ(types.of("x.json"), "application/json") << "the same on every machine";
    EXPECT_EQ(types.of("x.pt"), "application/octet-stream");
    EXPECT_EQ(types.of("x.type"), "");
}

class new_blob_test : public copy_test {
protected:
    blob::properties head(const std::string& name) {
        auto p = rt.run(client->head({"data", name}, {}));
        EXPECT_TRUE(p) << p.error().describe();
        return p ? *p : blob::properties();
    }
    std::map<std::string, std::string> tags(const std::string& name) {
        auto t = rt.run(client->get_tags({"data", name}, {}));
        EXPECT_TRUE(t) << t.error().describe();
        return t ? *t : std::map<std::string, std::string>();
    }
    static plan::property_changes all() {
        plan::property_changes given;
        given.metadata = {{"project", "voc"}, {"none", ""}};
        given.headers = {{"cache-control", "max-age=60"}, {"content-disposition", "inline"}};
        given.tags = {{"Kind", "train set"}};
        given.tier = "Cool";
        return given;
    }
};

TEST_F(new_blob_test, UploadsTellTypeAndWhatIsGivenInTheOneRequest) {
    write_file(scratch / "tree/small.json", "{}");
    write_file(scratch / "tree/large.csv", random_bytes(9 * MiB, 1));
    write_file(scratch / "tree/plain", "x");
    fs::create_directories(scratch / "tree/empty");
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    upload_options o;
    o.blobs.given = all();
    const auto before = stats().requests.load();
    auto r = up(scratch / "tree", "t", o);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(stats().requests.load() - before, 1u + 3 + (2 + 2)) << "a listing, three, and two blocks";
    for (const char* name : {"t/small.json", "t/large.csv", "t/plain"}) {
        const auto p = head(name);
        EXPECT_EQ(p.metadata.at("project"), "voc");
        EXPECT_TRUE(p.metadata.contains("mtime"));
        EXPECT_FALSE(p.metadata.contains("none"));
        EXPECT_EQ(p.content.cache_control, "max-age=60");
        EXPECT_EQ(p.content.disposition, "inline");
        EXPECT_EQ(p.content.encoding, "");
        EXPECT_EQ(p.tier, "Cool");
        EXPECT_EQ(tags(name), (std::map<std::string, std::string>{{"Kind", "train set"}}));
    }
    EXPECT_EQ(head("t/small.json").content.type, "application/json");
    EXPECT_EQ(head("t/large.csv").content.type, "text/csv");
    EXPECT_EQ(head("t/plain").content.type, "application/octet-stream");

    // What is there already is not sent again to get them.
    o.blobs.given.metadata["project"] = "coco";
    EXPECT_EQ(up(scratch / "tree", "t", o)->files, 0u);
    EXPECT_EQ(up(scratch / "tree", "t")->files, 0u);
}

TEST_F(new_blob_test, AGivenTypeWinsAndGuessingCanBeSwitchedOff) {
    write_file(scratch / "a.json", "{}");
    upload_options o;
    o.blobs.given.headers["content-type"] = "text/x";
    ASSERT_TRUE(up(scratch / "a.json", "given.json", o));
    EXPECT_EQ(head("given.json").content.type, "text/x");
    o = {};
    o.blobs.guess_content_type = false;
    ASSERT_TRUE(up(scratch / "a.json", "plain.json", o));
    EXPECT_EQ(head("plain.json").content.type, "application/octet-stream");
}

TEST_F(new_blob_test, StreamsToo) {
    for (const std::size_t size : {100u, 9u << 20}) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        std::thread writer([&] {
            const std::string content = random_bytes(size, 1);
            for (std::size_t at = 0; at < size;) {
                const auto n = ::write(ends[1], content.data() + at, size - at);
                if (n <= 0) break;
                at += static_cast<std::size_t>(n);
            }
            ::close(ends[1]);
        });
        stream_in_options o;
        o.blobs.given = all();
        const std::string name = "s" + std::to_string(size) + ".tar";
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        auto r = rt.run(stream_in(c, ends[0], at(name), o));
        writer.join();
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(head(name).content.type, "application/x-tar");
        EXPECT_EQ(head(name).metadata, (blob::metadata{{"project", "voc"}}));
        EXPECT_EQ(head(name).tier, "Cool");
        EXPECT_EQ(tags(name), (std::map<std::string, std::string>{{"Kind", "train set"}}));

        o.overwrite = plan::overwrite::never;
        r = rt.run(stream_in(c, ends[0], at(name), o));
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->skipped, 1u);
        EXPECT_EQ(head(name).size, size);
        o.overwrite = plan::overwrite::newer;
        r = rt.run(stream_in(c, ends[0], at(name), o));
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::usage);
        ::close(ends[0]);
    }
}

TEST_F(new_blob_test, ACopyHasItsSourcesAndWhatIsGiven) {
    blob::write_options o;
    o.metadata = {{"mtime", "2020-01-01T00:00:00Z"}, {"project", "old"}, {"none", "1"}};
    o.content.type = "image/x-odd";
    o.content.encoding = "gzip";
    o.tags = {{"Other", "1"}, {"Kind", "old"}};
    put("t/small.json", "source", o);
    write_file(scratch / "large", random_bytes(9 * MiB, 1));
    ASSERT_TRUE(up(scratch / "large", "t/large"));
    EXPECT_EQ(copied("t", "t", {.given = all()}).files, 2u);
    for (const char* name : {"t/small.json", "t/large"}) {
        const auto p = head_there(name);
        EXPECT_EQ(p.metadata.at("project"), "voc");
        EXPECT_TRUE(p.metadata.contains("mtime"));
        EXPECT_FALSE(p.metadata.contains("none"));
        EXPECT_EQ(p.content.cache_control, "max-age=60");
        EXPECT_EQ(p.tier, "Cool");
    }
    const auto small = head_there("t/small.json");
    EXPECT_EQ(small.content.type, "image/x-odd") << "not guessed again";
    EXPECT_EQ(small.content.encoding, "gzip");
    auto kept = rt.run(there->get_tags({"copies", "t/small.json"}, {}));
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, (std::map<std::string, std::string>{{"Kind", "train set"}, {"Other", "1"}}));

    EXPECT_EQ(copied("t", "t", {.given = all()}).files, 0u);
    auto other = all();
    other.metadata["project"] = "coco";
    EXPECT_EQ(copied("t", "t", {.given = other}).files, 0u) << "unchanged, whatever is given";
}

TEST_F(new_blob_test, AnAppendBlobGetsItsHeadersToo) {
    ASSERT_TRUE(rt.run(client->create_container("data", {})));
    ASSERT_TRUE(rt.run(client->create_append_blob({"data", "log"}, {}, {})));
    ASSERT_TRUE(rt.run(client->append_block({"data", "log"}, http::body::text("line\n"), 0, {})));
    EXPECT_EQ(copied("log", "log", {.given = all()}).files, 1u);
    EXPECT_EQ(head_there("log").content.cache_control, "max-age=60");
    EXPECT_EQ(head_there("log").metadata.at("project"), "voc");
}

class owner_test : public ops_test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
        ops_test::SetUp();
    }
    void TearDown() override {
        if (server) ops_test::TearDown();
    }
};

TEST_F(owner_test, UserAndGroupComeBackAndWithThemSetUserId) {
    for (const std::size_t size : {10u, 9u << 20}) {
        const std::string name = "f" + std::to_string(size), path = scratch / name;
        write_file(path, random_bytes(size, 1));
        ASSERT_EQ(::chown(path.c_str(), 12345, 23456), 0);
        ASSERT_EQ(::chmod(path.c_str(), 06751), 0);
        ASSERT_TRUE(up(path, "plain" + name));
        auto plain = rt.run(client->head({"data", "plain" + name}, {}));
        EXPECT_FALSE(plain->metadata.contains("uid")) << "only when asked for";
        upload_options o;
        o.keep_owner = true;
        ASSERT_TRUE(up(path, name, o));
        auto stored = rt.run(client->head({"data", name}, {}));
        EXPECT_EQ(stored->metadata.at("uid"), "12345");
        EXPECT_EQ(stored->metadata.at("gid"), "23456");

        ASSERT_TRUE(down(name, scratch / "mine"));
        struct stat s {};
        ASSERT_EQ(::stat((scratch / "mine").c_str(), &s), 0);
        EXPECT_EQ(s.st_uid, ::geteuid());
        EXPECT_EQ(s.st_mode & 07777, 0751u) << "no set-user-id for somebody else's file";
        download_options d;
        d.keep_owner = true;
        ASSERT_TRUE(down(name, scratch / "theirs", d));
        ASSERT_EQ(::stat((scratch / "theirs").c_str(), &s), 0);
        EXPECT_EQ(s.st_uid, 12345u);
        EXPECT_EQ(s.st_gid, 23456u);
        EXPECT_EQ(s.st_mode & 07777, 06751u);
        ASSERT_TRUE(down("plain" + name, scratch / "unknown", d));
        ASSERT_EQ(::stat((scratch / "unknown").c_str(), &s), 0);
        EXPECT_EQ(s.st_mode & 07777, 0751u) << "no owner is recorded";
        for (const char* each : {"mine", "theirs", "unknown"}) fs::remove(scratch / each);
    }
}

}  // namespace
}  // namespace act::ops
