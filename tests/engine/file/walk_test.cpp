#include "engine/file/walk.hpp"

#include <atomic>
#include <fcntl.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "walk_fixture.hpp"

namespace {

using namespace act;
using namespace act::file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST(walk, entries_carry_their_status) {
    const temporary_folder t;
    t.write("dir/file", "12345");
    ::chmod((t / "dir/file").c_str(), 0640);
    const timespec times[2] = {{0, UTIME_OMIT}, {1435361952, 123456789}};
    ::utimensat(AT_FDCWD, (t / "dir/file").c_str(), times, 0);
    const auto w = walk_all(t.path());
    ASSERT_THAT(w.names(), ElementsAre("dir/file"));
    const status& s = w.entries[0].info;
    EXPECT_EQ(s.type, type::regular);
    EXPECT_EQ(s.size, 5U);
    EXPECT_EQ(s.mode, 0640U);
    EXPECT_EQ(s.modified.time_since_epoch().count(), 1435361952123456789);
    EXPECT_EQ(s.inode, stat_of(t / "dir/file")->inode);
    EXPECT_THAT(w.problems, IsEmpty());
}

TEST(walk, the_root_must_be_a_readable_folder) {
    const temporary_folder t;
    t.write("file");
    for (const char* name : {"missing", "file"}) {
        walker w(t / name, {}, {});
        for (int again = 0; again < 2; ++again) {
            const auto batch = w.next();
            ASSERT_FALSE(batch) << "never an empty batch, which would mean an empty folder";
            EXPECT_EQ(batch.error().kind(), kind::not_found);
            EXPECT_THAT(batch.error().message(), HasSubstr(t / name));
        }
    }
    t.link("link", ".");
    EXPECT_THAT(walk_all(t / "link", {.links = links::skip}).names(), ElementsAre("file"));
    EXPECT_THAT(walk_all(t.path() + "/", {.links = links::skip}).names(), ElementsAre("file"));
}

TEST(walk, an_empty_root_has_no_entries) {
    const temporary_folder t;
    EXPECT_THAT(walk_all(t.path()).names(), IsEmpty());
    walker w(t.path(), {}, {});
    EXPECT_TRUE(w.next().value().empty());
    EXPECT_TRUE(w.next().value().empty()) << "and stays at the end";
}

TEST(walk, empty_directories_on_request) {
    const temporary_folder t;
    t.directory("a/b/c");
    t.directory("d");
    t.write("e/f");
    EXPECT_THAT(walk_all(t.path()).names(), ElementsAre("a/b/c/", "d/", "e/f"));
    EXPECT_EQ(walk_all(t.path()).entries[0].info.type, type::directory);
    EXPECT_THAT(walk_all(t.path(), {.empty_directories = false}).names(), ElementsAre("e/f"));
}

TEST(walk, links_followed_skipped_or_reported) {
    const temporary_folder t, outside;
    outside.write("x/y", "123");
    t.write("file", "12");
    t.link("to_file", "file");
    t.link("to_folder", outside / "x");
    t.link("nowhere", "gone");

    const auto followed = walk_all(t.path());
    EXPECT_THAT(followed.names(), ElementsAre("file", "to_file", "to_folder/y"));
    EXPECT_EQ(followed.entries[1].info.size, 2U);
    EXPECT_EQ(followed.entries[1].info.type, type::regular);
    ASSERT_THAT(followed.problems, ElementsAre(Key("nowhere")));
    EXPECT_EQ(followed.problems.at("nowhere").kind(), kind::not_found);

    const auto skipped = walk_all(t.path(), {.links = links::skip});
    EXPECT_THAT(skipped.names(), ElementsAre("file"));
    EXPECT_THAT(skipped.problems, IsEmpty());

    const auto reported = walk_all(t.path(), {.links = links::report});
    EXPECT_THAT(reported.names(), ElementsAre("file", "nowhere@", "to_file@", "to_folder@"));
    EXPECT_EQ(reported.entries[1].link_target, "gone");
    EXPECT_EQ(reported.entries[3].link_target, outside / "x");
    EXPECT_THAT(reported.problems, IsEmpty());
}

TEST(walk, loops_of_links_are_problems_and_the_walk_goes_on) {
    const temporary_folder t;
    t.write("a/file");
    t.link("a/up", "..");
    t.link("a/self", "self");
    t.link("b/to_c", "../c");
    t.link("c/to_b", "../b");
    t.write("z");
    const auto w = walk_all(t.path());
    EXPECT_THAT(w.names(), ElementsAre("a/file", "z"));
    EXPECT_THAT(w.problems,
                UnorderedElementsAre(Key("a/up/"), Key("a/self"), Key("b/to_c/to_b/"), Key("c/to_b/to_c/")));
    EXPECT_THAT(w.problems.at("a/up/").message(), HasSubstr("leads back"));
}

TEST(walk, what_is_no_file_is_a_problem) {
    const temporary_folder t;
    t.write("file");
    ASSERT_EQ(::mkfifo((t / "pipe").c_str(), 0600), 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", (t / "socket").c_str());
    const descriptor s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(s.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    t.write("caf\xe9/inside");
    t.write("bad\xff");
    t.link("device", "/dev/null");

    const auto w = walk_all(t.path());
    EXPECT_THAT(w.names(), ElementsAre("file"));
    EXPECT_THAT(w.problems, UnorderedElementsAre(Key("pipe"), Key("socket"), Key("caf\xe9/"), Key("bad\xff"),
                                                 Key("device")));
    EXPECT_THAT(w.problems.at("pipe").message(), HasSubstr("named pipe"));
    EXPECT_THAT(w.problems.at("bad\xff").message(), HasSubstr("bad\\xff"));
}

TEST(walk, an_unreadable_folder_is_a_problem_and_the_walk_goes_on) {
    temporary_folder t;
    t.write("a/x");
    t.write("b");
    t.lock("a");
    // Root reads everything; so the test is somebody else meanwhile.
    ::chmod(t.path().c_str(), 0755);
    const bool was_root = ::geteuid() == 0 && ::seteuid(65534) == 0;
    const auto w = walk_all(t.path());
    if (was_root) ASSERT_EQ(::seteuid(0), 0);
    EXPECT_THAT(w.names(), ElementsAre("b"));
    ASSERT_THAT(w.problems, ElementsAre(Key("a/")));
    EXPECT_EQ(w.problems.at("a/").kind(), kind::permission);
}

TEST(walk, what_vanishes_meanwhile_is_a_problem) {
    const temporary_folder t;
    t.write("a/x");
    t.write("b/x");
    t.write("b/y");
    t.write("c/x");
    // By one thread: a folder is listed, then its files are looked at, then the folders below are opened.
    walk_options options;
    options.threads = 0;
    options.want = [&](std::string_view name, bool) {
        if (name == "a/x") std::filesystem::remove_all(t / "c");
        if (name == "b/x") std::filesystem::remove(t / "b/x");
        return true;
    };
    const auto w = walk_all(t.path(), options);
    EXPECT_THAT(w.names(), ElementsAre("a/x", "b/y"));
    EXPECT_THAT(w.problems, ElementsAre(Key("b/x"), Key("c/")));
}

TEST(walk, what_is_not_wanted_is_neither_entered_nor_a_problem) {
    const temporary_folder t;
    t.write("keep/a.txt");
    t.write("keep/b.o");
    t.write("out/deep/c.txt");
    t.link("nowhere", "gone");
    ASSERT_EQ(::mkfifo((t / "pipe").c_str(), 0600), 0);
    std::atomic<bool> asked_below{false};
    walk_options options;
    options.want = [&](std::string_view name, bool directory) {
        EXPECT_EQ(directory, name.ends_with('/'));
        if (name.starts_with("out/") && name != "out/") asked_below = true;
        return name != "out/" && !name.ends_with(".o") && name != "nowhere" && name != "pipe";
    };
    const auto w = walk_all(t.path(), options);
    EXPECT_THAT(w.names(), ElementsAre("keep/a.txt"));
    EXPECT_THAT(w.problems, IsEmpty());
    EXPECT_FALSE(asked_below);
}

TEST(walk, trees_deeper_than_a_path_may_be_long) {
    const temporary_folder t;
    // 60 levels of 200 characters: 12,000 in all, three times PATH_MAX. Made step by step, as it must be
    // read.
    const std::string component(200, 'd');
    std::string name;
    descriptor at(::open(t.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::vector<descriptor> levels;
    for (int i = 0; i < 60; ++i) {
        ASSERT_EQ(::mkdirat(at.get(), component.c_str(), 0700), 0);
        descriptor next(::openat(at.get(), component.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        levels.push_back(std::move(at));
        at = std::move(next);
        name += component + '/';
    }
    descriptor(::openat(at.get(), "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const auto w = walk_all(t.path());
    EXPECT_THAT(w.names(), ElementsAre(name + "file"));
    EXPECT_THAT(w.problems, IsEmpty());

    ::unlinkat(at.get(), "file", 0);
    for (; !levels.empty(); levels.pop_back())
        ::unlinkat(levels.back().get(), component.c_str(), AT_REMOVEDIR);
}

TEST(walk, stop_ends_it_with_an_error_never_as_if_it_were_the_end) {
    const temporary_folder t;
    for (int i = 0; i < 100; ++i) t.write("d" + std::to_string(i) + "/f");
    stop_source stop;
    walk_options options;
    options.batch = 4;
    walker w(t.path(), options, stop.token());
    ASSERT_TRUE(w.next());
    stop.request();
    for (int i = 0; i < 3; ++i) {
        const auto batch = w.next();
        ASSERT_FALSE(batch);
        EXPECT_EQ(batch.error().kind(), kind::stopped);
    }
}

TEST(walk, destruction_in_the_middle_joins_the_readers) {
    const temporary_folder t;
    for (int i = 0; i < 200; ++i) t.write("d" + std::to_string(i) + "/f");
    for (int i = 0; i < 20; ++i) {
        walk_options options;
        options.batch = 8;
        options.batches_ahead = 1 + static_cast<std::size_t>(i) % 3;
        walker w(t.path(), options, {});
        if (i % 2) {
            EXPECT_TRUE(w.next());
        }
    }
    walker never_asked(t.path(), {}, {});
}

TEST(walk, an_exception_of_the_caller_s_function_comes_out_of_next) {
    const temporary_folder t;
    for (int i = 0; i < 50; ++i) t.write("d" + std::to_string(i) + "/f");
    for (const unsigned threads : {0U, 2U}) {
        walk_options options;
        options.threads = threads;
        options.want = [](std::string_view name, bool) -> bool {
            if (name == "d25/f") throw std::runtime_error("broken");
            return true;
        };
        walker w(t.path(), options, {});
        EXPECT_THROW(
            for (;;) {
                if (w.next().value().empty()) break;
            },
            std::runtime_error);
    }
}

TEST(walk, few_descriptors_are_open_however_wide_and_deep) {
    const temporary_folder t;
    for (int i = 0; i < 40; ++i) {
        std::string deep;
        for (int level = 0; level < 12; ++level) deep += "l" + std::to_string(level) + "/";
        t.write("d" + std::to_string(i) + "/" + deep + "f");
    }
    const auto open_now = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    const auto before = open_now();
    std::atomic<std::ptrdiff_t> most{0};
    walk_options options;
    options.want = [&](std::string_view, bool) {
        const auto now_open = open_now() - before;
        std::ptrdiff_t seen = most;
        while (now_open > seen && !most.compare_exchange_weak(seen, now_open)) {
        }
        return true;
    };
    EXPECT_THAT(walk_all(t.path(), options).entries, SizeIs(40));
    EXPECT_LE(most, 12);
    EXPECT_EQ(open_now(), before);
}

}  // namespace
