#include "engine/file/file.hpp"

#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/file/copy.hpp"
#include "engine/file/posix.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace act;
using namespace act::file;
using testing::HasSubstr;

std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(file, reading_by_position) {
    const temporary_folder t;
    t.write("a", "0123456789");
    const auto fd = open_read(t / "a");
    ASSERT_TRUE(fd);
    std::string buffer(4, '-');
    const auto into = std::as_writable_bytes(std::span(buffer));
    EXPECT_EQ(read_at(fd->get(), into, 3, "a").value(), 4U);
    EXPECT_EQ(buffer, "3456");
    EXPECT_EQ(read_at(fd->get(), into, 8, "a").value(), 2U) << "short at the end";
    EXPECT_EQ(buffer, "8956");
    EXPECT_EQ(read_at(fd->get(), into, 100, "a").value(), 0U);
}

TEST(file, holes_are_told_from_data) {
    const temporary_folder t;
    t.write("none", "");
    t.write("sparse", "x");
    const auto fd = descriptor(::open((t / "sparse").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::ftruncate(fd.get(), 64 << 20), 0);
    ASSERT_TRUE(write_at(fd.get(), bytes("y"), 32 << 20, "sparse"));
    const auto found = data_of(fd.get(), 64 << 20, "sparse");
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ((*found)[0].offset, 0U);
    EXPECT_LE((*found)[1].offset, 32U << 20);
    EXPECT_GT((*found)[1].offset + (*found)[1].length, 32U << 20);
    EXPECT_LT((*found)[0].length + (*found)[1].length, 8U << 20);
    EXPECT_EQ(data_of(fd.get(), 1, "sparse").value(), (std::vector<extent>{{0, 1}})) << "no more than asked";
    EXPECT_TRUE(data_of(open_read(t / "none")->get(), 0, "none").value().empty());
}

TEST(file, copies_appear_whole_or_not_at_all) {
    const temporary_folder t;
    const std::string text(2 << 20, 'x');
    t.write("from", text);
    ASSERT_EQ(copy(t / "from", t / "below/to", 0640, {}).value(), text.size());
    const auto made = stat_of(t / "below/to");
    EXPECT_EQ(made->size, text.size());
    EXPECT_EQ(made->mode, 0640U);
    EXPECT_EQ(made->modified, stat_of(t / "from")->modified);
    stop_source stop;
    stop.request();
    EXPECT_EQ(copy(t / "from", t / "other", 0, {.stop = stop.token()}).error().kind(), kind::stopped);
    EXPECT_FALSE(stat_of(t / "other"));
    EXPECT_EQ(copy(t / "missing", t / "other", 0, {}).error().kind(), kind::not_found);
}

TEST(file, errors_name_the_path) {
    const temporary_folder t;
    const auto missing = open_read(t / "missing");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind(), kind::not_found);
    EXPECT_THAT(missing.error().message(), HasSubstr(t / "missing"));
    EXPECT_EQ(stat_of(t / "missing").error().kind(), kind::not_found);
    std::byte one[1];
    EXPECT_THAT(read_at(-1, one, 0, "the path").error().message(), HasSubstr("the path"));
    EXPECT_THAT(read_all(t / "missing", 10).error().message(), HasSubstr(t / "missing"));
}

TEST(file, a_full_disk_is_known_as_such) {
    const descriptor fd(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    if (!fd) GTEST_SKIP() << "no /dev/full here";
    const auto done = write_at(fd.get(), bytes("x"), 0, "/some/file");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind(), kind::disk_full);
    EXPECT_THAT(done.error().message(), HasSubstr("/some/file"));
}

TEST(file, status_has_nanoseconds_and_follows_links_on_request) {
    const temporary_folder t;
    t.write("a", "12345");
    t.link("l", "a");
    ::chmod((t / "a").c_str(), 0640);
    const timespec times[2] = {{0, UTIME_OMIT}, {1435361952, 123456789}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (t / "a").c_str(), times, 0), 0);
    const auto s = stat_of(t / "l");
    ASSERT_TRUE(s);
    EXPECT_EQ(s->type, type::regular);
    EXPECT_EQ(s->size, 5U);
    EXPECT_EQ(s->mode, 0640U);
    EXPECT_EQ(s->modified.time_since_epoch().count(), 1435361952123456789);
    EXPECT_EQ(stat_of(t / "l", false)->type, type::symlink);
    EXPECT_EQ(stat_of(t.path())->type, type::directory);
    EXPECT_EQ(stat_of("/dev/null")->type, type::other);
}

TEST(file, times_survive_the_way_there_and_back) {
    for (const std::int64_t nanos : {0LL, 1LL, -1LL, 1435361952123456789LL, -1000000001LL}) {
        const wall_time t{std::chrono::nanoseconds(nanos)};
        const timespec s = posix::timespec_of(t);
        EXPECT_GE(s.tv_nsec, 0);
        EXPECT_EQ(posix::time_of(s), t);
    }
    EXPECT_GT(posix::time_of({.tv_sec = std::int64_t{1} << 60, .tv_nsec = 0}), now())
        << "clamped, not wrapped";
}

TEST(file, read_all_has_a_cap) {
    const temporary_folder t;
    t.write("a", std::string(1000, 'x'));
    t.write("empty", "");
    EXPECT_EQ(read_all(t / "a", 1000).value().size(), 1000U);
    EXPECT_EQ(read_all(t / "empty", 0).value(), "");
    const auto large = read_all(t / "a", 999);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().kind(), kind::usage);
    EXPECT_FALSE(read_all("/proc/self/status", 1 << 20).value().empty()) << "files without a size";
    EXPECT_FALSE(read_all(t.path(), 10));
}

TEST(file, a_named_pipe_does_not_hang_the_opener) {
    const temporary_folder t;
    ASSERT_EQ(::mkfifo((t / "pipe").c_str(), 0600), 0);
    const auto fd = open_read(t / "pipe");
    ASSERT_TRUE(fd);
    EXPECT_EQ(stat_of(fd->get(), "pipe")->type, type::other);
}

TEST(file, directories_are_made_with_all_above) {
    const temporary_folder t;
    EXPECT_TRUE(make_directories(t / "a/b//c/"));
    EXPECT_TRUE(make_directories(t / "a/b/c")) << "again";
    EXPECT_EQ(stat_of(t / "a/b/c")->type, type::directory);
    EXPECT_TRUE(make_directories("/"));
    EXPECT_TRUE(make_directories("."));
    EXPECT_TRUE(make_directories(""));
    t.link("l", "a");
    EXPECT_TRUE(make_directories(t / "l/d"));

    t.write("file");
    const auto in_the_way = make_directories(t / "file");
    ASSERT_FALSE(in_the_way);
    EXPECT_EQ(in_the_way.error().kind(), kind::conflict);
    EXPECT_FALSE(make_directories(t / "file/below"));
}

TEST(file, directories_made_by_many_at_once) {
    const temporary_folder t;
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 20; ++n) {
                if (!make_directories(t / ("a/b" + std::to_string(n) + "/c/d"))) ++failures;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(failures, 0);
}

TEST(file, parents) {
    EXPECT_EQ(posix::parent_of("a"), ".");
    EXPECT_EQ(posix::parent_of("a/b"), "a");
    EXPECT_EQ(posix::parent_of("a//b/"), "a");
    EXPECT_EQ(posix::parent_of("/a"), "/");
    EXPECT_EQ(posix::parent_of("/"), "/");
    EXPECT_EQ(posix::parent_of(""), ".");
}

TEST(file, descriptors_are_owned_once) {
    descriptor a(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = a.get();
    descriptor b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(b.get(), number);
    b = descriptor();
    EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "closed";
}

TEST(file, syncing_a_file_system) {
    const temporary_folder t;
    EXPECT_TRUE(sync_filesystem(t.path()));
    EXPECT_FALSE(sync_filesystem(t / "missing"));
}

}  // namespace
