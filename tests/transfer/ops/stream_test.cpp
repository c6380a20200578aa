#include "transfer/ops/stream.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>
#include <thread>

#include "transfer/plan/block_id.hpp"
#include "world.hpp"

namespace act::ops {
namespace {

/// Both ends of a pipe.
struct pipe_ends {
    pipe_ends() { EXPECT_EQ(::pipe2(fd, O_CLOEXEC), 0); }
    ~pipe_ends() {
        close(0);
        close(1);
    }
    void close(int end) {
        if (fd[end] >= 0) ::close(fd[end]);
        fd[end] = -1;
    }
    int fd[2] = {-1, -1};
};

std::string read_to_end(int fd) {
    std::string all;
    char piece[65536];
    for (ssize_t n; (n = ::read(fd, piece, sizeof piece)) > 0;)
        all.append(piece, static_cast<std::size_t>(n));
    return all;
}

void write_whole(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

class stream_test : public ops_test {
protected:
    void SetUp() override {
        std::signal(SIGPIPE, SIG_IGN);
        ops_test::SetUp();
    }

    void put(const std::string& name, const std::string& content) {
        (void)rt.run(client->create_container("data", {}));
        auto r = rt.run(client->put_blob(blob::address{"data", name}, http::body::text(content), {}, {}, {}));
        ASSERT_TRUE(r) << r.error().describe();
    }

    result<streamed> out(const std::string& path, int fd, stream_out_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(stream_out(c, at(path), fd, o));
    }
    result<summary> in(int fd, const std::string& path, stream_in_options o = {}) {
        progress p;
        context c{rt, buffers, p, watcher, stop.token(), 8};
        return rt.run(stream_in(c, fd, at(path), o));
    }

    /// What comes out of a pipe.
    std::string text_of(const std::string& path, stream_out_options o = {}) {
        pipe_ends p;
        std::string got;
        std::thread reader([&] { got = read_to_end(p.fd[0]); });
        auto r = out(path, p.fd[1], o);
        p.close(1);
        reader.join();
        EXPECT_TRUE(r) << r.error().describe();
        if (r) {
            EXPECT_EQ(r->summary.bytes, got.size());
            EXPECT_FALSE(r->reader_gone);
        }
        return got;
    }

    /// Sends what a writer puts into a pipe.
    result<summary> feed(const std::string& content, const std::string& path, stream_in_options o = {}) {
        pipe_ends p;
        std::thread writer([&] {
            write_whole(p.fd[1], content);
            p.close(1);
        });
        auto r = in(p.fd[0], path, o);
        p.close(0);
        writer.join();
        return r;
    }

    std::string content_of(const std::string& path) {
        fs::remove(scratch / "back");
        auto r = down(path, scratch / "back");
        EXPECT_TRUE(r) << r.error().describe();
        return read_file(scratch / "back");
    }

    std::uint64_t requests() { return stats().requests.load(); }
};

TEST_F(stream_test, ASmallBlobComesOutWithOneRequest) {
    put("small", "content\n");
    const auto before = requests();
    EXPECT_EQ(text_of("small"), "content\n");
    EXPECT_EQ(requests() - before, 1u);
}

TEST_F(stream_test, AnEmptyBlobIsNothing) {
    put("empty", "");
    EXPECT_EQ(text_of("empty"), "");
}

TEST_F(stream_test, OwnBlocksComeOutInOrder) {
    const std::string content = random_bytes(25 * MiB + 17, 1);
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big", {.block_size = 1 * MiB}));
    EXPECT_TRUE(text_of("big") == content);
    EXPECT_EQ(buffers.in_use(), 0u);
}

TEST_F(stream_test, BlocksTooLargeForMemoryComeInRanges) {
    const std::string content = random_bytes(30 * MiB + 1, 2);
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big", {.block_size = 20 * MiB}));
    EXPECT_TRUE(text_of("big") == content);
}

TEST_F(stream_test, AnotherToolsBlobComesOut) {
    const std::string content = random_bytes(13 * MiB + 5, 3);
    put("foreign", content);
    EXPECT_TRUE(text_of("foreign") == content);
}

TEST_F(stream_test, AnyRange) {
    const std::string content = random_bytes(20 * MiB + 3, 4);
    write_file(scratch / "big", content);
    ASSERT_TRUE(up(scratch / "big", "big", {.block_size = 3 * MiB}));
    const std::pair<std::uint64_t, std::uint64_t> ranges[] = {
        {0, 1},       {5, 8 * MiB},          {6 * MiB, 3 * MiB},      {7 * MiB, 10 * MiB},
        {1, 4 * MiB}, {20 * MiB, 1'000'000}, {4 * MiB - 1, 16 * MiB}, {20 * MiB + 2, 1}};
    for (const auto& [offset, count] : ranges) {
        EXPECT_TRUE(text_of("big", {.offset = offset, .count = count}) == content.substr(offset, count))
            << offset << " " << count;
    }
    EXPECT_TRUE(text_of("big", {.offset = 9 * MiB}) == content.substr(9 * MiB));
    pipe_ends p;
    auto behind = out("big", p.fd[1], {.offset = 20 * MiB + 3});
    ASSERT_FALSE(behind);
    EXPECT_EQ(behind.error().kind(), kind::usage);
}

TEST_F(stream_test, WhatIsNotThereOrAFolderWritesNothing) {
    put("other/x", "y");
    blob::write_options stub;
    stub.metadata["hdi_isfolder"] = "true";
    ASSERT_TRUE(
        rt.run(client->put_blob(blob::address{"data", "stub"}, http::body::memory({}), {}, stub, {})));
    for (const char* path : {"nothing", "other", "stub", ""}) {
        pipe_ends p;
        auto r = out(path, p.fd[1]);
        ASSERT_FALSE(r) << path;
        EXPECT_FALSE(r.error().advice().empty()) << path;
        p.close(1);
        EXPECT_EQ(read_to_end(p.fd[0]), "");
    }
}

TEST_F(stream_test, AReaderThatLeavesIsNoFailure) {
    write_file(scratch / "big", random_bytes(20 * MiB, 5));
    ASSERT_TRUE(up(scratch / "big", "big", {.block_size = 1 * MiB}));
    pipe_ends p;
    std::thread reader([&] {
        char piece[1000];
        (void)!::read(p.fd[0], piece, sizeof piece);
        p.close(0);
    });
    auto r = out("big", p.fd[1]);
    reader.join();
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_TRUE(r->reader_gone);
    EXPECT_LT(r->summary.bytes, 20 * MiB);
}

TEST_F(stream_test, AStopEndsAWriterWhoseReaderSleeps) {
    write_file(scratch / "big", random_bytes(20 * MiB, 6));
    ASSERT_TRUE(up(scratch / "big", "big", {.block_size = 1 * MiB}));
    pipe_ends p;
    std::thread stopper([&] {
        // The pipe is full when it has begun to be written and nobody reads: the stop comes into the wait.
        char one = 0;
        (void)!::read(p.fd[0], &one, 1);
        stop.request();
    });
    auto r = out("big", p.fd[1]);
    stopper.join();
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_TRUE(r->summary.stopped);
    EXPECT_EQ(r->summary.files, 0u);
}

TEST_F(stream_test, ABlobThatChangesMeanwhileIsAnError) {
    write_file(scratch / "big", random_bytes(30 * MiB, 7));
    ASSERT_TRUE(up(scratch / "big", "big", {.block_size = 1 * MiB}));
    pipe_ends p;
    std::string got;
    std::thread reader([&] {
        char one = 0;
        (void)!::read(p.fd[0], &one, 1);
        // The window is smaller than the blob, so that parts are asked for after this.
        auto r = rt.run(client->put_blob(blob::address{"data", "big"}, http::body::text("new"), {}, {}, {}));
        EXPECT_TRUE(r);
        got = read_to_end(p.fd[0]);
    });
    auto r = out("big", p.fd[1]);
    p.close(1);
    reader.join();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::precondition) << r.error().describe();
}

TEST_F(stream_test, ARegularFileIsWrittenToo) {
    put("small", "content");
    const int fd = ::memfd_create("out", MFD_CLOEXEC);
    ASSERT_TRUE(out("small", fd));
    ASSERT_TRUE(out("small", fd));
    ::lseek(fd, 0, SEEK_SET);
    EXPECT_EQ(read_to_end(fd), "contentcontent");
    ::close(fd);
}

TEST_F(stream_test, ASmallStreamIsOneRequestBesidesTheLook) {
    put("other", "x");
    const auto before = requests();
    auto r = feed("some text\n", "in/small");
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->bytes, 10u);
    EXPECT_EQ(requests() - before, 2u);
    EXPECT_EQ(content_of("in/small"), "some text\n");
}

TEST_F(stream_test, AnEmptyStreamIsAnEmptyBlobAndMakesTheContainer) {
    auto r = feed("", "empty");
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_EQ(r->files, 1u);
    EXPECT_EQ(content_of("empty"), "");
}

TEST_F(stream_test, ALongStreamComesBack) {
    for (const std::size_t size : {4 * MiB, 4 * MiB + 1, 8 * MiB, 17 * MiB + 3}) {
        const std::string content = random_bytes(size, 8);
        auto r = feed(content, "long");
        ASSERT_TRUE(r) << r.error().describe();
        EXPECT_EQ(r->bytes, size);
        EXPECT_TRUE(content_of("long") == content) << size;
    }
    EXPECT_EQ(buffers.in_use(), 0u);
}

TEST_F(stream_test, BlocksGrowAndWaitOnTheDiskWhenTheyAreLarge) {
    const std::string content = random_bytes(3 * MiB + 100, 9);
    stream_in_options o;
    o.first_block = 64 * KiB;
    o.blocks_of_a_size = 4;
    o.in_memory = 128 * KiB;
    o.single_request = 0;
    auto r = feed(content, "grown", o);
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_TRUE(content_of("grown") == content);
    auto list = rt.run(client->get_block_list({"data", "grown"}, true, false, {}));
    ASSERT_TRUE(list);
    ASSERT_GT(list->committed.size(), 13u);
    EXPECT_EQ(list->committed[0].size, 64 * KiB);
    EXPECT_EQ(list->committed[4].size, 128 * KiB);
    EXPECT_EQ(list->committed[12].size, 512 * KiB);
    EXPECT_TRUE(plan::own_layout(list->committed, content.size()));
}

TEST_F(stream_test, TheBlocksOfAStreamReachTheLimitOfTheService) {
    EXPECT_EQ(stream_block_size(0, 8 * MiB, 1000), 8 * MiB);
    EXPECT_EQ(stream_block_size(1999, 8 * MiB, 1000), 16 * MiB);
    std::uint64_t all = 0;
    for (std::uint64_t i = 0; i < blob::max_blocks; ++i) all += stream_block_size(i, 8 * MiB, 1000);
    EXPECT_GT(all, 160 * TiB);
    EXPECT_EQ(stream_block_size(49'999, 8 * MiB, 1000), blob::max_block);
}

TEST_F(stream_test, TheSameStreamAgainSendsNoBlock) {
    const std::string content = random_bytes(9 * MiB, 10);
    ASSERT_TRUE(feed(content, "again"));
    const auto before = stats().body_bytes_sent.load();
    ASSERT_TRUE(feed(content, "again"));
    EXPECT_LT(stats().body_bytes_sent.load() - before, 64 * KiB);
    EXPECT_TRUE(content_of("again") == content);
}

TEST_F(stream_test, AStreamThatCannotBeReadLeavesTheOldBlob) {
    put("kept", "old");
    const int folder = ::open("/", O_RDONLY | O_CLOEXEC);
    auto r = in(folder, "kept");
    ::close(folder);
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().message().find("standard input"), std::string::npos);
    EXPECT_EQ(content_of("kept"), "old");
}

TEST_F(stream_test, AStopWhileTheWriterSleepsLeavesTheOldBlob) {
    put("kept", "old");
    pipe_ends p;
    std::thread writer([&] {
        write_whole(p.fd[1], random_bytes(17 * MiB, 11));
        stop.request();  // the other end stays open
    });
    auto r = in(p.fd[0], "kept");
    writer.join();
    ASSERT_TRUE(r) << r.error().describe();
    EXPECT_TRUE(r->stopped);
    EXPECT_EQ(r->files, 0u);
    stop = {};
    EXPECT_EQ(content_of("kept"), "old");
}

TEST_F(stream_test, WhatSomebodyElseWroteMeanwhileStays) {
    for (const std::size_t size : {3 * MiB, 9 * MiB}) {
        put("contested", "old");
        pipe_ends p;
        const std::string content = random_bytes(size, 12);
        std::thread writer([&] {
            write_whole(p.fd[1], content);
            put("contested", "theirs");
            p.close(1);
        });
        auto r = in(p.fd[0], "contested");
        writer.join();
        // The look comes before anything is read, and the pipe takes less than was written before the change.
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().kind(), kind::precondition) << r.error().describe();
        EXPECT_EQ(content_of("contested"), "theirs");
    }
}

TEST_F(stream_test, AFolderAndAWholeContainerAreRefused) {
    blob::write_options stub;
    stub.metadata["hdi_isfolder"] = "true";
    (void)rt.run(client->create_container("data", {}));
    ASSERT_TRUE(
        rt.run(client->put_blob(blob::address{"data", "stub"}, http::body::memory({}), {}, stub, {})));
    EXPECT_FALSE(feed("x", "stub"));
    EXPECT_FALSE(feed("x", ""));
    EXPECT_FALSE(feed("x", "a/../b"));
}

}  // namespace
}  // namespace act::ops
