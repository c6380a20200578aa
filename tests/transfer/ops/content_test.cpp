// What is done with whole contents: MD5s stored and compared, decompression, archived and sparse blobs.
#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

#include "../../engine/codec/packed.hpp"
#include "engine/codec/base64.hpp"
#include "engine/core/log.hpp"
#include "transfer/ops/set_properties.hpp"
#include "transfer/ops/stream.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

using codec::test::gzip;

std::string md5_of(std::string_view text) {
    return codec::base64_encode(codec::as_bytes(codec::md5_of(codec::as_bytes(text))));
}

class content_test : public ops_test {
protected:
    void SetUp() override {
        ops_test::SetUp();
        ASSERT_TRUE(rt.run(client->create_container("data", {})));
    }

    /// As another tool writes: in blocks of its own when it is large.
    void put(const std::string& name, std::string_view content, blob::write_options o = {}) {
        constexpr std::size_t step = 3 * MiB;
        if (content.size() <= step) {
            const auto body = content.empty() ? http::body::memory({}) : http::body::text(content);
            auto r = rt.run(client->put_blob({"data", name}, body, {}, o, {}));
            ASSERT_TRUE(r) << r.error().describe();
            return;
        }
        std::vector<std::string> ids;
        for (std::size_t at = 0; at < content.size(); at += step) {
            char id[16];
            std::snprintf(id, sizeof id, "MDAw%04zu", ids.size());
            ids.push_back(id);
            const auto body = http::body::text(content.substr(at, step));
            ASSERT_TRUE(rt.run(client->put_block({"data", name}, id, body, {}, {}, {})));
        }
        auto r = rt.run(client->put_block_list({"data", name}, ids, o, {}));
        ASSERT_TRUE(r) << r.error().describe();
    }
    void put_encoded(const std::string& name, std::string_view content, const std::string& encoding = "gzip",
                     blob::metadata metadata = {}) {
        blob::write_options o;
        o.content.encoding = encoding;
        o.metadata = std::move(metadata);
        put(name, content, o);
    }
    blob::properties head(const std::string& name) {
        auto p = rt.run(client->head({"data", name}, {}));
        EXPECT_TRUE(p) << p.error().describe();
        return p ? *p : blob::properties();
    }
    std::uint64_t requests() { return stats().requests.load(); }

    /// The one failure of a download that has one.
    error failure_of(result<summary> r) {
        if (!r || r->failed != 1 || r->failures.empty()) {
            ADD_FAILURE() << "there should be one failure";
            return error(kind::internal, "none");
        }
        EXPECT_EQ(r->files, 0u);
        return r->failures[0].error;
    }

    struct written {
        std::string text;
        result<streamed> outcome = error(kind::internal, "not run");
    };
    written cat(const std::string& name, stream_out_options o = {}) {
        const std::string path = scratch / "out";
        file::descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        written w;
        w.outcome = rt.run(stream_out(c, at(name), fd.get(), o));
        w.text = read_file(path);
        return w;
    }
    result<summary> feed(const std::string& content, const std::string& name, stream_in_options o) {
        write_file(scratch / "in", content);
        file::descriptor fd(::open((scratch / "in").c_str(), O_RDONLY));
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(stream_in(c, fd.get(), at(name), o));
    }
    std::size_t files_in(const std::string& folder) {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
    }
};

// ---- MD5s that are stored

TEST_F(content_test, TheMd5OfTheWholeIsStoredWithWhatIsUploaded) {
    const std::string small = random_bytes(70'000, 1), large = random_bytes(21 * MiB + 5, 2);
    write_file(scratch / "t/small", small);
    write_file(scratch / "t/large", large);
    write_file(scratch / "t/empty", "");
    fs::create_directories(scratch / "t/folder");
    ASSERT_TRUE(up(scratch / "t", "t", {.put_md5 = true}));
    EXPECT_EQ(head("t/small").content.md5, md5_of(small));
    EXPECT_EQ(head("t/large").content.md5, md5_of(large));
    EXPECT_EQ(head("t/empty").content.md5, md5_of(""));

    // Nothing but the commit is sent when all blocks are there; the file is hashed all the same.
    fs::last_write_time(scratch / "t/large", fs::file_time_type::clock::now() + std::chrono::hours(1));
    const auto before = stats().body_bytes_sent.load();
    auto again = up(scratch / "t", "t", {.put_md5 = true});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->files, 1u);
    EXPECT_LT(stats().body_bytes_sent.load() - before, 10'000u);
    EXPECT_EQ(head("t/large").content.md5, md5_of(large));

    // Without the option no old MD5 stays at new content.
    write_file(scratch / "t/large", large + "more");
    ASSERT_TRUE(up(scratch / "t", "t"));
    EXPECT_EQ(head("t/large").size, large.size() + 4);
    EXPECT_EQ(head("t/large").content.md5, "");
}

TEST_F(content_test, AnMd5ThatIsMissingIsAddedWhenContentsAreCompared) {
    const std::string large = random_bytes(9 * MiB, 3);
    write_file(scratch / "large", large);
    ASSERT_TRUE(up(scratch / "large", "large"));
    upload_options how{.compare_content = true, .put_md5 = true};
    EXPECT_EQ(up(scratch / "large", "large", how)->files, 1u);
    EXPECT_EQ(head("large").content.md5, md5_of(large));
    EXPECT_EQ(up(scratch / "large", "large", how)->skipped, 1u);
}

TEST_F(content_test, StreamsGetTheirMd5Too) {
    const std::string large = random_bytes(20 * MiB + 1, 4);
    stream_in_options how;
    how.put_md5 = true;
    ASSERT_TRUE(feed(large, "large", how));
    EXPECT_EQ(head("large").content.md5, md5_of(large));
    ASSERT_TRUE(feed("text", "small", how));
    EXPECT_EQ(head("small").content.md5, md5_of("text"));
}

// ---- MD5s that are compared

TEST_F(content_test, AnotherToolsMd5IsComparedAndTheOldFileStays) {
    const std::string large = random_bytes(10 * MiB, 5);
    for (const std::string& content : {std::string("small"), large}) {
        fs::remove_all(scratch / "d");
        put("x", content, {.content = {.md5 = md5_of(content)}});
        ASSERT_EQ(down("x", scratch / "d/x")->files, 1u);
        EXPECT_TRUE(read_file(scratch / "d/x") == content);

        write_file(scratch / "d/x", "old");
        put("x", content, {.content = {.md5 = md5_of("something else")}});
        const error e = failure_of(down("x", scratch / "d/x", {.overwrite = plan::overwrite::always}));
        EXPECT_EQ(e.kind(), kind::integrity);
        for (const std::string& part : {std::string("'x'"), md5_of(content), md5_of("something else")})
            EXPECT_NE(e.message().find(part), std::string::npos) << e.describe();
        EXPECT_EQ(read_file(scratch / "d/x"), "old");
        EXPECT_EQ(files_in(scratch / "d"), 1u);

        ASSERT_EQ(
            down("x", scratch / "d/x", {.overwrite = plan::overwrite::always, .md5 = md5_check::no})->files,
            1u);
        EXPECT_TRUE(read_file(scratch / "d/x") == content);
        ASSERT_EQ(
            down("x", scratch / "d/y", {.overwrite = plan::overwrite::always, .md5 = md5_check::log})->files,
            1u);
        EXPECT_TRUE(read_file(scratch / "d/y") == content);
    }
}

TEST_F(content_test, WhatActWroteIsComparedWhenThatIsAskedFor) {
    const std::string large = random_bytes(10 * MiB, 6);
    for (const std::string& content : {std::string("small"), large}) {
        write_file(scratch / "x", content);
        ASSERT_TRUE(up(scratch / "x", "x", {.overwrite = plan::overwrite::always, .put_md5 = true}));
        ASSERT_EQ(down("x", scratch / "y", {.overwrite = plan::overwrite::always, .md5 = md5_check::require})
                      ->files,
                  1u);
        auto wrong = head("x").content;
        wrong.md5 = md5_of("else");
        ASSERT_TRUE(rt.run(client->set_content_headers({"data", "x"}, wrong, {}, {})));
        EXPECT_EQ(down("x", scratch / "y", {.overwrite = plan::overwrite::always})->files, 1u)
            << "its own hashes prove it";
        const error e = failure_of(
            down("x", scratch / "y", {.overwrite = plan::overwrite::always, .md5 = md5_check::fail}));
        EXPECT_EQ(e.kind(), kind::integrity);
    }
}

TEST_F(content_test, ARequiredMd5ThatIsMissingCostsNoRequestAndIsTold) {
    put("t/large", random_bytes(10 * MiB, 7));
    const auto before = requests();
    auto r = down("t", scratch / "t", {.md5 = md5_check::require});
    EXPECT_EQ(requests() - before, 2u) << "a look at the name and a listing";
    EXPECT_FALSE(fs::exists(scratch / "t"));
    const error e = failure_of(r);
    EXPECT_EQ(e.kind(), kind::integrity);
    EXPECT_NE(e.message().find("no MD5"), std::string::npos);
    EXPECT_EQ(down("t", scratch / "t", {.md5 = md5_check::fail})->files, 1u);
}

TEST_F(content_test, CatHoldsBackTheEndOfWhatHasAnotherMd5) {
    const std::string large = random_bytes(10 * MiB, 8);
    for (const std::string& content : {std::string("small"), large}) {
        put("good", content, {.content = {.md5 = md5_of(content)}});
        put("bad", content, {.content = {.md5 = md5_of("else")}});
        auto good = cat("good");
        ASSERT_TRUE(good.outcome) << good.outcome.error().describe();
        EXPECT_TRUE(good.text == content);
        auto bad = cat("bad");
        ASSERT_FALSE(bad.outcome);
        EXPECT_EQ(bad.outcome.error().kind(), kind::integrity);
        EXPECT_LT(bad.text.size(), content.size());
        stream_out_options how;
        how.md5 = md5_check::no;
        EXPECT_TRUE(cat("bad", how).text == content);
        stream_out_options range;
        range.count = 3;
        EXPECT_EQ(cat("bad", range).text, content.substr(0, 3));
    }
}

// ---- decompression

TEST_F(content_test, CompressedBlobsBecomeFilesWithWhatWasCompressed) {
    const std::string text(30'000'000, 'x'), noise = random_bytes(9 * MiB, 9);
    put_encoded("t/text", gzip(text));
    put_encoded("t/noise", gzip(noise), "GZIP");
    put_encoded("t/members", gzip("one ") + gzip("two"));
    put_encoded("t/deflate", codec::test::zlib("zlib"), "deflate");
    put_encoded("t/raw", codec::test::raw_deflate("raw"), "deflate");
    put_encoded("t/other", "as it is", "br");
    put_encoded("t/empty", "");
    put("t/plain", "plain");
    const download_options unpack{.decompress = true};
    auto r = down("t", scratch / "t", unpack);
    ASSERT_TRUE(r) << r.error().describe();
    for (const auto& f : r->failures) ADD_FAILURE() << f.path << ": " << f.error.describe();
    EXPECT_EQ(r->files, 8u);
    EXPECT_TRUE(read_file(scratch / "t/text") == text);
    EXPECT_TRUE(read_file(scratch / "t/noise") == noise);
    EXPECT_EQ(read_file(scratch / "t/members"), "one two");
    EXPECT_EQ(read_file(scratch / "t/deflate"), "zlib");
    EXPECT_EQ(read_file(scratch / "t/raw"), "raw");
    EXPECT_EQ(read_file(scratch / "t/other"), "as it is");
    EXPECT_EQ(read_file(scratch / "t/empty"), "");
    EXPECT_EQ(read_file(scratch / "t/plain"), "plain");
    EXPECT_EQ(files_in(scratch / "t"), 8u);

    // Again: nothing but the listing.
    const auto before = requests();
    auto again = down("t", scratch / "t", unpack);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->skipped, 8u);
    const auto cost = requests() - before;
    EXPECT_EQ(cost, 2u) << "a look at the name and a listing";
}

TEST_F(content_test, AFileOfTheStoredFormIsNotTakenForTheUnpackedOne) {
    put_encoded("x", gzip("what was compressed"));
    ASSERT_TRUE(down("x", scratch / "x"));
    EXPECT_EQ(read_file(scratch / "x"), gzip("what was compressed"));
    EXPECT_EQ(down("x", scratch / "x", {.decompress = true})->files, 1u);
    EXPECT_EQ(read_file(scratch / "x"), "what was compressed");
    EXPECT_EQ(down("x", scratch / "x", {.decompress = true})->skipped, 1u);
    EXPECT_EQ(down("x", scratch / "x")->files, 1u);
    EXPECT_EQ(read_file(scratch / "x"), gzip("what was compressed"));

    // A new version is seen by its time.
    ASSERT_EQ(down("x", scratch / "x", {.decompress = true})->files, 1u);
    put_encoded("x", gzip("another"), "gzip", {{"mtime", "2026-01-02T03:04:05.000000001Z"}});
    EXPECT_EQ(down("x", scratch / "x", {.decompress = true})->files, 1u);
    EXPECT_EQ(read_file(scratch / "x"), "another");
    EXPECT_EQ(down("x", scratch / "x", {.decompress = true})->skipped, 1u);
}

TEST_F(content_test, WhatIsNotWhatItSaysFailsAndLeavesTheOldFile) {
    const std::string large = gzip(random_bytes(9 * MiB, 10));
    std::string damaged = large;
    damaged[5 * MiB] ^= 1;
    const std::pair<std::string, std::string> cases[] = {
        {"cut", gzip("some text that is cut").substr(0, 25)},
        {"none", "no gzip at all"},
        {"large-cut", large.substr(0, large.size() - 4)},
        {"large-damaged", damaged},
    };
    for (const auto& [name, content] : cases) {
        write_file(scratch / "d/" + name, "old");
        put_encoded(name, content);
        const error e = failure_of(
            down(name, scratch / "d/" + name, {.overwrite = plan::overwrite::always, .decompress = true}));
        EXPECT_EQ(e.kind(), kind::integrity) << e.describe();
        EXPECT_NE(e.message().find("'" + name + "'"), std::string::npos) << e.describe();
        EXPECT_EQ(read_file(scratch / "d/" + name), "old");
    }
    EXPECT_EQ(files_in(scratch / "d"), std::size(cases));
}

TEST_F(content_test, OurOwnLargeBlobsUnpackToo) {
    const std::string plain = random_bytes(20 * MiB, 11), packed = gzip(plain);
    write_file(scratch / "packed", packed);
    ASSERT_TRUE(up(scratch / "packed", "x", {.put_md5 = true}));
    auto headers = head("x").content;
    headers.encoding = "gzip";
    ASSERT_TRUE(rt.run(client->set_content_headers({"data", "x"}, headers, {}, {})));
    ASSERT_EQ(down("x", scratch / "d/x", {.md5 = md5_check::require, .decompress = true})->files, 1u);
    EXPECT_TRUE(read_file(scratch / "d/x") == plain);
    EXPECT_EQ(files_in(scratch / "d"), 1u);
}

TEST_F(content_test, CatUnpacks) {
    const std::string noise = random_bytes(9 * MiB, 12);
    stream_out_options unpack;
    unpack.decompress = true;
    for (const std::string& plain : {std::string("text"), noise}) {
        put_encoded("x", gzip(plain));
        EXPECT_TRUE(cat("x").text == gzip(plain));
        auto w = cat("x", unpack);
        ASSERT_TRUE(w.outcome) << w.outcome.error().describe();
        EXPECT_TRUE(w.text == plain);
        EXPECT_EQ(w.outcome->summary.bytes, plain.size());
        put_encoded("x", gzip(plain).substr(0, gzip(plain).size() - 3));
        auto cut = cat("x", unpack);
        ASSERT_FALSE(cut.outcome);
        EXPECT_EQ(cut.outcome.error().kind(), kind::integrity);
    }
}

// ---- page and append blobs

TEST_F(content_test, OfAPageBlobOnlyWhatWasWrittenIsFetchedAndStored) {
    const blob::address disk{"data", "t/disk"};
    constexpr std::uint64_t size = 1 * GiB;
    ASSERT_TRUE(rt.run(client->create_page_blob(disk, size, {}, {})));
    const std::string a = random_bytes(3 * MiB, 13), b = random_bytes(512, 14);
    ASSERT_TRUE(rt.run(client->put_page(disk, {7 * MiB, a.size()}, http::body::text(a), {})));
    ASSERT_TRUE(rt.run(client->put_page(disk, {11 * MiB, a.size()}, http::body::text(a), {})));
    ASSERT_TRUE(rt.run(client->put_page(disk, {size - 512, 512}, http::body::text(b), {})));
    const auto before = stats().body_bytes_received.load();
    auto r = down("t", scratch / "t");
    ASSERT_TRUE(r) << r.error().describe();
    ASSERT_EQ(r->files, 1u);
    EXPECT_LT(stats().body_bytes_received.load() - before, 8 * MiB);
    struct stat s {};
    ASSERT_EQ(::stat((scratch / "t/disk").c_str(), &s), 0);
    EXPECT_EQ(static_cast<std::uint64_t>(s.st_size), size);
    EXPECT_LT(s.st_blocks * 512, 16 << 20) << "holes take no room";
    std::ifstream in(scratch / "t/disk", std::ios::binary);
    auto piece = [&](std::uint64_t offset, std::size_t length) {
        std::string out(length, '?');
        in.seekg(static_cast<std::streamoff>(offset));
        in.read(out.data(), static_cast<std::streamsize>(length));
        return out;
    };
    EXPECT_TRUE(piece(7 * MiB, a.size()) == a);
    EXPECT_TRUE(piece(11 * MiB, a.size()) == a);
    EXPECT_EQ(piece(size - 512, 512), b);
    EXPECT_EQ(piece(10 * MiB, 4096), std::string(4096, '\0'));
    EXPECT_EQ(down("t", scratch / "t")->skipped, 1u);
}

TEST_F(content_test, HolesBelongToAnMd5AndAPageBlobMayBeNothingElse) {
    std::string content(12 * MiB, '\0');
    const std::string a = random_bytes(512, 15);
    content.replace(6 * MiB, a.size(), a);
    const blob::address disk{"data", "disk"}, nothing{"data", "nothing"};
    ASSERT_TRUE(
        rt.run(client->create_page_blob(disk, content.size(), {.content = {.md5 = md5_of(content)}}, {})));
    ASSERT_TRUE(rt.run(client->put_page(disk, {6 * MiB, a.size()}, http::body::text(a), {})));
    ASSERT_EQ(down("disk", scratch / "disk")->files, 1u);
    EXPECT_TRUE(read_file(scratch / "disk") == content);

    const std::string zeros(9 * MiB, '\0');
    ASSERT_TRUE(
        rt.run(client->create_page_blob(nothing, zeros.size(), {.content = {.md5 = md5_of(zeros)}}, {})));
    ASSERT_EQ(down("nothing", scratch / "nothing")->files, 1u);
    EXPECT_TRUE(read_file(scratch / "nothing") == zeros);
}

TEST_F(content_test, AppendBlobsOfAnySizeComeDown) {
    const std::string large = random_bytes(11 * MiB, 16);
    const blob::address log{"data", "log"};
    ASSERT_TRUE(rt.run(client->create_append_blob(log, {}, {})));
    for (std::size_t at = 0; at < large.size(); at += MiB) {
        const auto body = http::body::text(std::string_view(large).substr(at, MiB));
        ASSERT_TRUE(rt.run(client->append_block(log, body, at, {})));
    }
    ASSERT_EQ(down("log", scratch / "log")->files, 1u);
    EXPECT_TRUE(read_file(scratch / "log") == large);
    EXPECT_TRUE(cat("log").text == large);
}

// ---- the archive tier

TEST_F(content_test, ArchivedBlobsAreFailuresOfTheirOwnAndCostNoRequest) {
    put("t/cold", "content", {.tier = "Archive"});
    put("t/cold-large", random_bytes(9 * MiB, 17), {.tier = "Archive"});
    put("t/warm", "content");
    const auto before = requests();
    auto r = down("t", scratch / "t");
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    ASSERT_EQ(r->failed, 2u);
    EXPECT_EQ(requests() - before, 3u) << "a look at the name, a listing, and the one that can be read";
    for (const auto& f : r->failures) {
        EXPECT_EQ(f.error.code(), "BlobArchived");
        EXPECT_NE(f.error.message().find("archive tier"), std::string::npos);
        EXPECT_NE(f.error.advice().find("act set --tier Hot"), std::string::npos);
    }
    EXPECT_EQ(read_file(scratch / "t/warm"), "content");

    auto streamed = cat("t/cold");
    ASSERT_FALSE(streamed.outcome);
    EXPECT_EQ(streamed.outcome.error().code(), "BlobArchived");
    EXPECT_NE(streamed.outcome.error().advice().find("act set --tier Hot"), std::string::npos);
    EXPECT_EQ(streamed.text, "");

    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 8};
    const set_options warm{.changes = {.tier = "Hot"}, .rehydrate = "High"};
    ASSERT_EQ(rt.run(set_properties(c, at("t"), warm))->files, 2u);
    EXPECT_EQ(down("t", scratch / "t")->files, 2u);
}

TEST_F(content_test, AnArchivedBlobThatIsThereUnchangedIsNoFailure) {
    write_file(scratch / "t/x", "content");
    ASSERT_TRUE(up(scratch / "t", "t"));
    ASSERT_TRUE(rt.run(client->set_tier({"data", "t/x"}, "Archive", {})));
    auto r = down("t", scratch / "t");
    ASSERT_TRUE(r);
    EXPECT_EQ(r->skipped, 1u);
    EXPECT_EQ(r->failed, 0u);
}

TEST_F(content_test, AnUnfinishedCopyIsNotTakenForABlob) {
    put("t/x", "half", {.metadata = {{"act_unfinished", "0123"}}});
    const error e = failure_of(down("t", scratch / "t"));
    EXPECT_NE(e.message().find("not finished"), std::string::npos);
    EXPECT_FALSE(cat("t/x").outcome);

    // Nor for one that is like the file.
    write_file(scratch / "t/x", "half");
    const auto file_time = fs::last_write_time(scratch / "t/x");
    fs::last_write_time(scratch / "t/x", file_time + std::chrono::hours(1));
    failure_of(down("t", scratch / "t"));
    fs::last_write_time(scratch / "t/x", file_time - std::chrono::hours(1));
    EXPECT_EQ(up(scratch / "t", "t")->files, 1u);
    EXPECT_EQ(down("t", scratch / "t")->skipped, 1u);
}

}  // namespace
}  // namespace act::ops
