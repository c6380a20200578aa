#include "transfer/ops/stream_blocks.hpp"

#include <fcntl.h>
#include <thread>

#include "world.hpp"

namespace act::ops {
namespace {

class stream_blocks_test : public ::testing::Test {
protected:
    /// A file of so many bytes, open at its beginning.
    int file_of(std::size_t size) {
        content = random_bytes(size, 5);
        write_file(scratch / "content", content);
        return ::open((scratch / "content").c_str(), O_RDONLY | O_CLOEXEC);
    }
    /// How far the reader has come in it, when it has come as far as that or a minute has passed.
    static off_t read_up_to(int fd, off_t at_least) {
        const auto give_up = steady::now() + std::chrono::minutes(1);
        off_t at = 0;
        while ((at = ::lseek(fd, 0, SEEK_CUR)) < at_least && steady::now() < give_up)
            std::this_thread::yield();
        return at;
    }

    void read_all(std::size_t size, const stream_in_options& o) {
        const int fd = file_of(size);
        stream_blocks blocks(c, fd, o, stop.token());
        std::string all;
        for (bool last = false; !last;) {
            auto b = rt.run(blocks.next());
            ASSERT_TRUE(b) << b.error().describe();
            last = b->last;
            std::string piece(b->length, '\0');
            if (b->disk) {
                EXPECT_EQ(::pread(b->disk.get(), piece.data(), piece.size(), 0),
                          static_cast<ssize_t>(piece.size()));
            } else {
                std::memcpy(piece.data(), b->memory.data(), piece.size());
            }
            all += piece;
        }
        rt.run(blocks.end());
        EXPECT_TRUE(all == content) << size;
        ::close(fd);
        EXPECT_EQ(buffers.in_use(), 0u);
    }

    scratch_folder scratch;
    std::string content;
    runtime rt{{.loops = 2}};
    buffer_pool buffers{16 * MiB};
    progress p;
    observer watcher;
    stop_source stop;
    context c{rt, buffers, p, watcher, stop.token(), 8};
};

TEST_F(stream_blocks_test, TheyComeInOrderAndWhole) {
    for (const std::size_t size : {0ul, 1ul, 64 * KiB - 1, 64 * KiB, 64 * KiB + 1, 3 * MiB + 7}) {
        read_all(size, {.first_block = 64 * KiB, .blocks_of_a_size = 6, .in_memory = 256 * KiB});
        read_all(size, {.block_size = 300 * KiB});
        // More than a quarter of the budget, so that they come one by one, through files.
        read_all(size, {.block_size = 5 * MiB, .in_memory = 1});
    }
}

TEST_F(stream_blocks_test, ReadingGoesOnWhileNobodyAsks) {
    const int fd = file_of(20 * MiB);
    const stream_in_options o{.block_size = 1 * MiB};
    stream_blocks blocks(c, fd, o, stop.token());
    ASSERT_TRUE(rt.run(blocks.next()));
    EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), 1 * MiB);  // most streams end there
    ASSERT_TRUE(rt.run(blocks.next()));
    // As far as a quarter of the budget allows, and no further.
    EXPECT_EQ(read_up_to(fd, 5 * MiB), off_t(5 * MiB));
    rt.run(blocks.end());
    EXPECT_EQ(::lseek(fd, 0, SEEK_CUR), off_t(5 * MiB));
    EXPECT_EQ(buffers.in_use(), 0u);
    ::close(fd);
}

TEST_F(stream_blocks_test, OthersNeedOfMemoryComesFirst) {
    const int fd = file_of(20 * MiB);
    const stream_in_options o{.block_size = 1 * MiB};
    stream_blocks blocks(c, fd, o, stop.token());
    auto rest = rt.run(buffers.take(8 * MiB, {}));
    auto more = rt.run(buffers.take(4 * MiB, {}));
    auto all_but_one = rt.run(buffers.take(2 * MiB, {}));
    ASSERT_TRUE(rest && more && all_but_one);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(rt.run(blocks.next())) << i;
    rt.run(blocks.end());
    ::close(fd);
}

TEST_F(stream_blocks_test, TheEndDoesNotWaitForASleepingWriter) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::string two = random_bytes(2 * 64 * KiB + 5, 6);
    std::thread writer([&] { EXPECT_EQ(::write(ends[1], two.data(), two.size()), ssize_t(two.size())); });
    const stream_in_options o{.block_size = 64 * KiB};
    stream_blocks blocks(c, ends[0], o, stop.token());
    ASSERT_TRUE(rt.run(blocks.next()));
    ASSERT_TRUE(rt.run(blocks.next()));
    writer.join();
    rt.run(blocks.end());  // the other end is still open
    EXPECT_EQ(buffers.in_use(), 0u);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(stream_blocks_test, WhatCannotBeReadIsSaid) {
    const int folder = ::open("/", O_RDONLY | O_CLOEXEC);
    const stream_in_options o{.block_size = 64 * KiB, .name = "standard input"};
    stream_blocks blocks(c, folder, o, stop.token());
    auto b = rt.run(blocks.next());
    ASSERT_FALSE(b);
    EXPECT_NE(b.error().message().find("standard input"), std::string::npos);
    rt.run(blocks.end());
    EXPECT_EQ(buffers.in_use(), 0u);
    ::close(folder);
}

}  // namespace
}  // namespace act::ops
