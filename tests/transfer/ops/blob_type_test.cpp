// Files and streams that become page and append blobs.
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "copy_world.hpp"
#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "transfer/ops/stream.hpp"

namespace act::ops {
namespace {

using plan::overwrite;
using type = blob::blob_type;

class blob_type_test : public copy_test {
protected:
    void SetUp() override {
        copy_test::SetUp();
        ASSERT_TRUE(rt.run(there->create_container("copies", {})));
    }

    result<summary> send(const std::string& local, const std::string& path, upload_options o) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(upload(c, scratch / local, {*there, "copies", path}, o));
    }
    /// Of which nothing may fail.
    summary sent(const std::string& local, const std::string& path, upload_options o) {
        auto r = send(local, path, o);
        if (!r) {
            ADD_FAILURE() << r.error().describe();
            return {};
        }
        for (const auto& f : r->failures) ADD_FAILURE() << f.path << ": " << f.error.describe();
        return *r;
    }
    error failure_of(result<summary> r) {
        if (r && r->failed == 1 && !r->failures.empty()) return r->failures[0].error;
        ADD_FAILURE() << "there should be one failure";
        return error(kind::internal, "none");
    }
    result<summary> feed(const std::string& content, stream_in_options o) {
        write_file(scratch / "in", content);
        const file::descriptor fd(::open((scratch / "in").c_str(), O_RDONLY));
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(stream_in(c, fd.get(), {*there, "copies", "stream"}, o));
    }
    void sparse(const std::string& name, std::uint64_t size,
                const std::vector<std::pair<std::uint64_t, std::string>>& data) {
        write_file(scratch / name, "");
        fs::resize_file(scratch / name, size);
        std::fstream out(scratch / name, std::ios::binary | std::ios::in | std::ios::out);
        for (const auto& [at, text] : data) {
            out.seekp(static_cast<std::streamoff>(at));
            out << text;
        }
    }
    std::vector<blob::range> pages(const std::string& name) {
        return rt.run(there->get_page_ranges({"copies", name}, {}, {})).value();
    }
    unsigned requests() { return static_cast<unsigned>(watched_stats().requests.load()); }
    http::counters& watched_stats() { return clients.back()->transport.stats(); }
    static std::string md5_of(const std::string& text) {
        return codec::base64_encode(codec::as_bytes(codec::md5_of(codec::as_bytes(text))));
    }
    /// The n-th request with this in its target is preceded by something.
    void at_request(const std::string& with, unsigned n, std::function<task<result<void>>()> what) {
        watched->before = [=, seen = std::make_shared<std::atomic<unsigned>>(0)](
                              const http::request& r) -> task<result<void>> {
            if (r.target.find(with) == std::string::npos || ++*seen != n) co_return result<void>();
            co_return co_await what();
        };
    }
};

TEST_F(blob_type_test, ATreeOfAppendBlobsGoesUpAndIsUnchangedThen) {
    const std::string text = random_bytes(9 * MiB + 77, 1);
    write_file(scratch / "t/large", text);
    write_file(scratch / "t/small", "one line\n");
    write_file(scratch / "t/empty", "");
    fs::create_directories(scratch / "t/folder");
    fs::create_symlink("small", scratch / "t/link");
    upload_options how{.links = file::links::report, .put_md5 = true, .type = type::append};
    EXPECT_EQ(sent("t", "t", how).files, 5u);
    for (const auto& [name, content] :
         {std::pair("t/large", text), {"t/small", "one line\n"}, {"t/empty", ""}}) {
        const auto p = head_there(name);
        EXPECT_EQ(p.type, type::append) << name;
        EXPECT_TRUE(content_there(name) == content) << name;
        EXPECT_EQ(p.content.md5, md5_of(content)) << name;
        EXPECT_FALSE(plan::unfinished(p.metadata));
        EXPECT_TRUE(p.metadata.contains("mtime"));
    }
    EXPECT_EQ(head_there("t/folder").type, type::block);
    EXPECT_EQ(head_there("t/link").type, type::block);
    const auto before = requests();
    EXPECT_EQ(sent("t", "t", how).skipped, 5u);
    EXPECT_EQ(requests() - before, 1u) << "the listing";
    how.type.reset();
    EXPECT_EQ(sent("t", "t", how).skipped, 5u) << "any type will do";
}

TEST_F(blob_type_test, OfASparseFileOnlyTheDataTravel) {
    const std::string data = random_bytes(3 * MiB, 2);
    sparse("disk", 128 * MiB, {{5 * MiB, data}, {100 * MiB, data}});
    sparse("hole", 64 * MiB, {});
    const std::string zeros(16 * MiB, '\0');
    write_file(scratch / "zeros", zeros + std::string(512, 'x') + zeros);  // no hole: written
    const auto before = watched_stats().body_bytes_sent.load();
    for (const char* name : {"disk", "hole", "zeros"})
        EXPECT_EQ(sent(name, name, {.put_md5 = true, .type = type::page}).files, 1u);
    EXPECT_LT(watched_stats().body_bytes_sent.load() - before, 7 * MiB);
    for (const char* name : {"disk", "hole", "zeros"}) {
        const std::string content = read_file(scratch / name);
        EXPECT_EQ(head_there(name).type, type::page);
        EXPECT_TRUE(content_there(name) == content) << name;
        EXPECT_EQ(head_there(name).content.md5, md5_of(content)) << name;
    }
    ASSERT_EQ(pages("disk").size(), 2u);
    EXPECT_EQ(pages("disk")[1].offset, 100 * MiB);
    EXPECT_TRUE(pages("hole").empty());
    EXPECT_EQ(pages("zeros").size(), 1u);
    EXPECT_EQ(sent("disk", "disk", {.type = type::page}).skipped, 1u);
}

TEST_F(blob_type_test, APageBlobOfOddSizeIsRefusedWithAReason) {
    write_file(scratch / "odd", std::string(700, 'x'));
    for (const bool dry : {false, true}) {
        const error e = failure_of(send("odd", "odd", {.dry_run = dry, .type = type::page}));
        EXPECT_EQ(e.kind(), kind::unsupported);
        EXPECT_NE(e.message().find("odd has 700 bytes"), std::string::npos) << e.message();
        EXPECT_NE(e.message().find("512"), std::string::npos);
    }
    EXPECT_TRUE(names_there().empty());
}

TEST_F(blob_type_test, AnotherTypeInThePlaceIsReplacedAsOverwriteSays) {
    const std::string large = random_bytes(9 * MiB, 3) + std::string(512, 'x');
    write_file(scratch / "small", std::string(512, 'a'));
    write_file(scratch / "large", large);
    for (const char* name : {"small", "large"}) {
        sent(name, name, {});
        for (const type next : {type::page, type::append, type::page, type::block}) {
            EXPECT_EQ(sent(name, name, {.overwrite = overwrite::never, .type = next}).skipped, 1u);
            EXPECT_EQ(sent(name, name, {.overwrite = overwrite::newer, .type = next}).skipped, 1u);
            EXPECT_EQ(sent(name, name, {.type = next}).files, 1u);
            EXPECT_EQ(head_there(name).type, next);
            EXPECT_TRUE(content_there(name) == read_file(scratch / name)) << name;
            EXPECT_FALSE(plan::unfinished(head_there(name).metadata));
        }
    }
    sent("large", "large", {.type = type::page});
    write_file(scratch / "large", random_bytes(6 * MiB, 4));
    // Blocks need an empty place: what stands there is not given up for that without a word.
    const error e = failure_of(send("large", "large", {}));
    EXPECT_EQ(e.kind(), kind::conflict);
    EXPECT_NE(e.advice().find("--force"), std::string::npos);
    EXPECT_TRUE(content_there("large") == large);
    EXPECT_EQ(sent("large", "large", {.overwrite = overwrite::always}).files, 1u);
    EXPECT_EQ(head_there("large").type, type::block);
    write_file(scratch / "small", "b");
    EXPECT_EQ(sent("small", "small", {}).files, 1u) << "one request takes the place at once";
}

TEST_F(blob_type_test, AHalfBuiltBlobIsNotTheFileWhateverItsMd5Says) {
    const std::string content(1 * MiB, 'd');
    write_file(scratch / "disk", content);
    const blob::write_options half{.content = {.md5 = md5_of(content)},
                                   .metadata = {{"act_unfinished", "x"}}};
    ASSERT_TRUE(rt.run(there->create_page_blob({"copies", "disk"}, content.size(), half, {})));
    upload_options move{.compare_content = true};
    move.remove_source = true;
    EXPECT_EQ(sent("disk", "disk", move).files, 1u);
    EXPECT_TRUE(content_there("disk") == content) << "and the file is gone";
}

TEST_F(blob_type_test, WhatAFailedBeginningMadeIsTakenBack) {
    write_file(scratch / "log", "x");
    bool made = false;
    // The service has done it, and no answer comes.
    watched->before = [&](const http::request& r) -> task<result<void>> {
        if (r.method != http::verb::put || made) co_return result<void>();
        made = true;
        const blob::write_options as{
            .metadata =
                blob::metadata{{"act_unfinished", std::string(r.headers.get("x-ms-meta-act_unfinished"))}}};
        EXPECT_TRUE(co_await make_other()->create_append_blob({"copies", "log"}, as, {}));
        co_return error(kind::unavailable, "the connection broke");
    };
    const auto outcome = send("log", "log", {.type = type::append});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind(), kind::unavailable);
    EXPECT_TRUE(made);
    EXPECT_TRUE(names_there().empty());
}

TEST_F(blob_type_test, ContentsAreComparedByTheMd5) {
    write_file(scratch / "log", random_bytes(5 * MiB, 4));
    upload_options how{.compare_content = true, .put_md5 = true, .type = type::append};
    EXPECT_EQ(sent("log", "log", how).files, 1u);
    fs::last_write_time(scratch / "log", fs::file_time_type::clock::now() + std::chrono::hours(1));
    EXPECT_EQ(sent("log", "log", how).skipped, 1u);
    std::ofstream(scratch / "log", std::ios::in) << "changed";
    EXPECT_EQ(sent("log", "log", how).files, 1u);
    how.type = type::block;
    EXPECT_EQ(sent("log", "log", how).files, 1u);
}

TEST_F(blob_type_test, WhatFailsOrIsStoppedIsTakenBack) {
    write_file(scratch / "log", random_bytes(12 * MiB, 5));
    put_there("log", "old");
    for (const bool stopped : {false, true}) {
        at_request("comp=appendblock", 2, [this, stopped]() -> task<result<void>> {
            if (!stopped) co_return error(kind::permission, "no more").with_service("Why", 409, "");
            stop.request();
            co_return result<void>();
        });
        auto r = send("log", "log", {.type = type::append});
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->files, 0u);
        EXPECT_EQ(r->stopped, stopped);
        EXPECT_TRUE(names_there().empty());
    }
}

TEST_F(blob_type_test, BlocksThatFailLeaveNothingWhereAPageBlobStood) {
    sparse("x", 8 * MiB, {{0, "x"}});
    sent("x", "x", {.type = type::page});
    at_request("comp=blocklist", 2, []() -> task<result<void>> {
        co_return error(kind::permission, "no more").with_service("Why", 409, "");
    });
    EXPECT_FALSE(send("x", "x", {.type = type::block})->files);
    EXPECT_TRUE(names_there().empty());
}

TEST_F(blob_type_test, WhatAKilledRunLeftIsReplaced) {
    write_file(scratch / "disk", std::string(1 * MiB, 'd'));
    sent("disk", "disk", {.type = type::page});
    auto half = head_there("disk").metadata;
    half["act_unfinished"] = "somebody";
    ASSERT_TRUE(rt.run(there->create_page_blob({"copies", "disk"}, 1 * MiB, {.metadata = half}, {})));
    EXPECT_EQ(sent("disk", "disk", {.type = type::page}).files, 1u);
    EXPECT_TRUE(content_there("disk") == read_file(scratch / "disk"));
}

TEST_F(blob_type_test, AFileThatChangesMeanwhileFails) {
    write_file(scratch / "log", random_bytes(9 * MiB, 6));
    at_request("comp=appendblock", 2, [this]() -> task<result<void>> {
        std::ofstream(scratch / "log", std::ios::app) << "more";
        co_return result<void>();
    });
    const error e = failure_of(send("log", "log", {.put_md5 = true, .type = type::append}));
    EXPECT_NE(e.message().find("changed while"), std::string::npos);
    EXPECT_TRUE(names_there().empty());
}

TEST_F(blob_type_test, WhatCameMeanwhileStaysOrIsReplacedAsOverwriteSays) {
    for (const bool leave : {true, false}) {
        const std::string name = leave ? "left" : "replaced";
        write_file(scratch / name, std::string(512, 'x'));
        auto* somebody = make_other();
        at_request("copies/" + name, 2, [=]() -> task<result<void>> {
            auto put = co_await somebody->put_blob({"copies", name}, http::body::text("theirs"), {}, {}, {});
            EXPECT_TRUE(put);
            co_return result<void>();
        });
        const auto rule = leave ? overwrite::never : overwrite::different;
        const auto r = sent(name, name, {.overwrite = rule, .type = type::page});
        EXPECT_EQ(r.skipped, leave ? 1u : 0u);
        EXPECT_EQ(content_there(name), leave ? "theirs" : std::string(512, 'x'));
    }
}

TEST_F(blob_type_test, AMoveTakesTheFileWhenTheBlobIsWhole) {
    write_file(scratch / "log", "text");
    EXPECT_EQ(
        sent("log", "log", {.compare_content = true, .type = type::append, .remove_source = true}).files, 1u);
    EXPECT_FALSE(fs::exists(scratch / "log"));
    EXPECT_EQ(content_there("log"), "text");
}

TEST_F(blob_type_test, AStreamBecomesAnAppendBlob) {
    stream_in_options how;
    how.type = type::append;
    how.put_md5 = true;
    for (const std::size_t size : {0u, 5u, unsigned(4 * MiB), unsigned(13 * MiB + 3)}) {
        const std::string text = random_bytes(size, 7);
        auto r = feed(text, how);
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->files, 1u);
        EXPECT_TRUE(content_there("stream") == text) << size;
        const auto p = head_there("stream");
        EXPECT_EQ(p.type, type::append);
        EXPECT_EQ(p.content.md5, md5_of(text));
        EXPECT_TRUE(p.metadata.empty());
    }
    how.overwrite = overwrite::never;
    EXPECT_EQ(feed("other", how)->skipped, 1u);
    how.overwrite = overwrite::different;
    how.type = type::block;
    const std::string text = random_bytes(9 * MiB, 8);
    ASSERT_TRUE(feed(text, how));
    EXPECT_EQ(head_there("stream").type, type::block);
    EXPECT_TRUE(content_there("stream") == text);
}

TEST_F(blob_type_test, AStreamThatFailsIsTakenBack) {
    stream_in_options how;
    how.type = type::append;
    at_request("comp=appendblock", 2, []() -> task<result<void>> {
        co_return error(kind::permission, "no more").with_service("Why", 409, "");
    });
    EXPECT_FALSE(feed(random_bytes(9 * MiB, 9), how));
    EXPECT_TRUE(names_there().empty());
}

TEST_F(blob_type_test, AStreamThatFailsDoesNotWaitForItsNextByte) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const file::descriptor in(ends[0]), out(ends[1]);
    at_request("comp=appendblock", 1, []() -> task<result<void>> {
        co_return error(kind::permission, "no more").with_service("Why", 409, "");
    });
    std::thread writer([&] {
        const std::string text(4 * MiB + 1, 'x');
        for (std::size_t at = 0; at < text.size();)
            at += static_cast<std::size_t>(::write(ends[1], text.data() + at, text.size() - at));
    });
    progress p;
    context c{rt, buffers, p, watcher, stop.token(), 8};
    stream_in_options how;
    how.type = type::append;
    EXPECT_FALSE(rt.run(stream_in(c, in.get(), {*there, "copies", "stream"}, how)));
    writer.join();
    EXPECT_TRUE(names_there().empty());
}

TEST_F(blob_type_test, AStreamInBlocksTakesNoPlaceUnasked) {
    stream_in_options how;
    how.type = type::append;
    ASSERT_TRUE(feed("a log", how));
    how.type.reset();
    const std::string text = random_bytes(9 * MiB, 8);
    auto r = feed(text, how);
    EXPECT_TRUE(!r || r->failed == 1) << "it would have been emptied first";
    EXPECT_EQ(content_there("stream"), "a log");
    how.overwrite = overwrite::always;
    ASSERT_TRUE(feed(text, how));
    EXPECT_TRUE(content_there("stream") == text);
}

TEST_F(blob_type_test, AStreamIsNoPageBlob) {
    stream_in_options how;
    how.type = type::page;
    auto r = feed("x", how);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::usage);
    EXPECT_NE(r.error().message().find("size"), std::string::npos);
}

}  // namespace
}  // namespace act::ops
