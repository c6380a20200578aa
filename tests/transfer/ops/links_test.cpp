// Symbolic links: as what they lead to, as links, and never as a way out of the destination.

#include "world.hpp"

namespace act::ops {
namespace {

class links_test : public ops_test {
protected:
    static upload_options preserving() {
        upload_options o;
        o.links = file::links::report;
        return o;
    }
    static download_options restoring(bool outside = false) {
        download_options o;
        o.links.restore = true;
        o.links.outside = outside;
        return o;
    }
    void put_link(const std::string& name, const std::string& target) {
        (void)rt.run(client->create_container("data", {}));
        blob::write_options o;
        o.metadata["is_symlink"] = "true";
        ASSERT_TRUE(rt.run(client->put_blob({"data", name}, http::body::text(target), {}, o, {})));
    }
    void put(const std::string& name, const std::string& content) {
        (void)rt.run(client->create_container("data", {}));
        ASSERT_TRUE(rt.run(client->put_blob({"data", name}, http::body::text(content), {}, {}, {})));
    }
    check_summary compare(const std::string& local, const std::string& path, file::links links,
                          bool by_content = false) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        tree_end a = here(local);
        a.links = links;
        auto r = rt.run(check(c, a, there(path), {.compare_content = by_content}));
        EXPECT_TRUE(r) << r.error().describe();
        return r ? *r : check_summary();
    }
    void make_tree() {
        write_file(scratch / "tree/folder/file", "content");
        fs::create_symlink("folder/file", scratch / "tree/to-file");
        fs::create_symlink("folder", scratch / "tree/to-folder");
        fs::create_symlink("nowhere", scratch / "tree/to-nothing");
        fs::create_symlink("../to-file", scratch / "tree/folder/up");
    }
};

TEST_F(links_test, LinksComeBackAsLinksAndAreNotSentTwice) {
    make_tree();
    auto r = up(scratch / "tree", "t", preserving());
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(r->files, 5u);
    auto stored = rt.run(client->head({"data", "t/to-folder"}, {}));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->metadata.at("is_symlink"), "true");
    EXPECT_EQ(stored->metadata.at("mode").substr(0, 3), "120");
    EXPECT_EQ(stored->size, 6u);

    auto before = stats().requests.load();
    r = up(scratch / "tree", "t", preserving());
    ASSERT_TRUE(r);
    EXPECT_EQ(r->skipped, 5u);
    EXPECT_EQ(stats().requests.load() - before, 1u) << "the listing";

    r = down("t", scratch / "copy", restoring());
    ASSERT_TRUE(r) << r.error().describe();
    for (const auto& f : r->failures) ADD_FAILURE() << f.path << ": " << f.error.describe();
    EXPECT_EQ(r->files, 5u);
    for (const char* name : {"to-file", "to-folder", "to-nothing", "folder/up"}) {
        const std::string from = scratch / ("tree/" + std::string(name)),
                          to = scratch / ("copy/" + std::string(name));
        EXPECT_EQ(fs::read_symlink(to), fs::read_symlink(from)) << name;
        EXPECT_EQ(file::stat_of(to, false)->modified, file::stat_of(from, false)->modified) << name;
    }
    EXPECT_EQ(read_file(scratch / "copy/folder/up"), "content");
    before = stats().requests.load();
    r = down("t", scratch / "copy", restoring());
    ASSERT_TRUE(r);
    EXPECT_EQ(r->skipped, 5u);
    EXPECT_LE(stats().requests.load() - before, 2u) << "a look and the listing";

    // One that leads elsewhere is sent, and comes down, again.
    fs::remove(scratch / "tree/to-file");
    fs::create_symlink("folder/other", scratch / "tree/to-file");
    EXPECT_EQ(up(scratch / "tree", "t", preserving())->files, 1u);
    EXPECT_EQ(down("t", scratch / "copy", restoring())->files, 1u);
    EXPECT_EQ(fs::read_symlink(scratch / "copy/to-file"), "folder/other");
}

TEST_F(links_test, WithoutBeingAskedForLinksAreFollowedUpAndLeftOutDown) {
    write_file(scratch / "tree/file", "content");
    fs::create_symlink("file", scratch / "tree/link");
    ASSERT_TRUE(up(scratch / "tree", "followed"));
    auto plain = rt.run(client->head({"data", "followed/link"}, {}));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->size, 7u);
    EXPECT_FALSE(plain->metadata.contains("is_symlink"));

    ASSERT_TRUE(up(scratch / "tree", "kept", preserving()));
    auto r = down("kept", scratch / "copy");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->skipped, 1u);
    EXPECT_FALSE(fs::exists(fs::symlink_status(scratch / "copy/link")));
}

TEST_F(links_test, AFileAndALinkOfItsPlaceAreNotTheSame) {
    // Of one size and time.
    write_file(scratch / "tree/x", "nowhere");
    fs::create_symlink("nowhere", scratch / "link");
    ASSERT_TRUE(up(scratch / "tree", "t", preserving()));
    const auto time = file::stat_of(scratch / "tree/x")->modified;
    fs::remove(scratch / "tree/x");
    fs::create_symlink("nowhere", scratch / "tree/x");
    timespec same[2] = {
        {0, UTIME_OMIT},
        {time.time_since_epoch().count() / 1'000'000'000, time.time_since_epoch().count() % 1'000'000'000}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (scratch / "tree/x").c_str(), same, AT_SYMLINK_NOFOLLOW), 0);
    EXPECT_EQ(up(scratch / "tree", "t", preserving())->files, 1u);
    write_file(scratch / "copy/x", "nowhere");
    ASSERT_EQ(::utimensat(AT_FDCWD, (scratch / "copy/x").c_str(), same, 0), 0);
    EXPECT_EQ(down("t", scratch / "copy", restoring())->files, 1u);
    EXPECT_EQ(fs::read_symlink(scratch / "copy/x"), "nowhere");
}

TEST_F(links_test, LinksThatMayLeadOutAreMadeOnlyWhenAllowed) {
    const std::map<std::string, std::string> bad = {{"t/absolute", "/etc/passwd"},
                                                    {"t/up", "../x"},
                                                    {"t/a/b/up", "../../../x"},
                                                    {"t/around", "self/../x"}};
    for (const auto& [name, target] : bad) put_link(name, target);
    put_link("t/self", ".");
    put_link("t/a/b/good", "../../x");
    auto r = down("t", scratch / "copy", restoring());
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 2u);
    EXPECT_EQ(r->failed, bad.size());
    for (const auto& f : r->failures) EXPECT_EQ(f.error.kind(), kind::unsupported) << f.error.describe();
    EXPECT_FALSE(fs::exists(fs::symlink_status(scratch / "copy/absolute")));

    r = down("t", scratch / "copy", restoring(true));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(fs::read_symlink(scratch / "copy/absolute"), "/etc/passwd");
    EXPECT_EQ(fs::read_symlink(scratch / "copy/a/b/up"), "../../../x");
}

TEST_F(links_test, NothingIsWrittenThroughALinkThatLeadsOut) {
    fs::create_directories(scratch / "outside");
    fs::create_directories(scratch / "copy/inside");
    fs::create_symlink("../outside", scratch / "copy/evil");
    fs::create_symlink("inside", scratch / "copy/good");
    write_file(scratch / "large", random_bytes(5 * MiB, 1));
    for (const char* link : {"evil", "good"}) {
        put("t/" + std::string(link) + "/small", "x");
        put("t/" + std::string(link) + "/deep/er", "x");
        ASSERT_TRUE(up(scratch / "large", "t/" + std::string(link) + "/large"));
    }
    blob::write_options folder;
    folder.metadata["hdi_isfolder"] = "true";
    ASSERT_TRUE(rt.run(client->put_blob({"data", "t/evil/empty"}, http::body::memory({}), {}, folder, {})));
    put_link("t/evil/link", "x");
    auto r = down("t", scratch / "copy", restoring(true));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 3u);
    EXPECT_EQ(r->failed, 5u);
    for (const auto& f : r->failures) EXPECT_EQ(f.error.kind(), kind::conflict) << f.error.describe();
    EXPECT_TRUE(fs::is_empty(scratch / "outside"));
    EXPECT_EQ(read_file(scratch / "copy/inside/deep/er"), "x");
    EXPECT_EQ(fs::file_size(scratch / "copy/inside/large"), 5 * MiB);

    download_options through;
    through.links.write_through = true;
    r = down("t", scratch / "copy", through);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(read_file(scratch / "outside/deep/er"), "x");
    EXPECT_TRUE(fs::is_directory(scratch / "outside/empty"));
}

TEST_F(links_test, ADownloadedLinkRedirectsNoFileOfTheSameDownload) {
    fs::create_directories(scratch / "outside");
    put_link("t/a", scratch / "outside");
    put("t/a/file", "x");
    put("t/b", "x");
    auto r = down("t", scratch / "copy", restoring(true));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 1u) << "the link or the folder, whichever comes later";
    EXPECT_TRUE(fs::is_empty(scratch / "outside"));
    EXPECT_TRUE(fs::exists(scratch / "copy/b"));
}

TEST_F(links_test, TheDestinationItselfMayBeALink) {
    fs::create_directories(scratch / "disk");
    fs::create_symlink("disk", scratch / "copy");
    put("t/file", "x");
    ASSERT_TRUE(down("t", scratch / "copy"));
    EXPECT_EQ(read_file(scratch / "disk/file"), "x");
}

TEST_F(links_test, WhatIsMarkedAndIsNoPathFails) {
    put_link("t/zero", std::string("a\0b", 3));
    put_link("t/long", std::string(5000, 'x'));
    auto r = down("t", scratch / "copy", restoring());
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 2u);
}

TEST_F(links_test, ComparisonsUnderstandThem) {
    make_tree();
    ASSERT_TRUE(up(scratch / "tree", "t", preserving()));
    EXPECT_TRUE(compare("tree", "t", file::links::report).equal());
    EXPECT_TRUE(compare("tree", "t", file::links::report, true).equal());
    fs::remove(scratch / "tree/to-file");
    fs::create_symlink("folder/fil_", scratch / "tree/to-file");
    EXPECT_EQ(compare("tree", "t", file::links::report, true).differ, 1u);
}

TEST_F(links_test, ALinkThatIsMovedComesDown) {
    write_file(scratch / "tree/folder/file", "x");
    fs::create_symlink("folder/file", scratch / "tree/link");
    ASSERT_TRUE(up(scratch / "tree", "t", preserving()));
    auto o = restoring();
    o.remove_source = true;
    auto r = down("t", scratch / "back", o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_EQ(fs::read_symlink(scratch / "back/link"), "folder/file");
    EXPECT_EQ(ls("t"), std::vector<std::string>());
}

TEST_F(links_test, AMoveTakesTheLinkAndNotWhatItLeadsTo) {
    make_tree();
    fs::create_symlink(scratch / "tree/folder/file", scratch / "alone");
    write_file(scratch / "moved/keep", "x");
    fs::create_symlink("keep", scratch / "moved/link");
    auto o = preserving();
    o.compare_content = o.remove_source = true;
    o.wanted = *plan::selection::make({.rules = {{true, plan::selection_rule::form::glob, "link"}}});
    auto r = up(scratch / "moved", "m", o);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(r->failed, 0u);
    EXPECT_FALSE(fs::exists(fs::symlink_status(scratch / "moved/link")));
    EXPECT_EQ(read_file(scratch / "moved/keep"), "x");
}

}  // namespace
}  // namespace act::ops
