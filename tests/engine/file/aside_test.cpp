#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace act;
using namespace act::file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const wall_time june{std::chrono::nanoseconds(1435361952123456789)};

void put(const aside& a, std::string_view text, std::uint64_t offset = 0) {
    write_at(a.fd(), std::as_bytes(std::span(text.data(), text.size())), offset, a.target()).value();
}

/// Both ways: with O_TMPFILE and without.
class publishing : public testing::TestWithParam<aside::naming> {
protected:
    result<aside> create(const std::string& name) { return aside::create(t_ / name, {}, GetParam()); }
    temporary_folder t_;
};
INSTANTIATE_TEST_SUITE_P(both, publishing, testing::Values(aside::naming::unnamed, aside::naming::hidden),
                         [](const auto& p) {
                             return p.param == aside::naming::unnamed ? "unnamed" : "hidden";
                         });

TEST_P(publishing, the_file_appears_whole_with_mode_and_time) {
    auto a = create("deep/er/file");
    ASSERT_TRUE(a) << a.error().describe();
    EXPECT_EQ(a->target(), t_ / "deep/er/file");
    put(*a, "content");
    EXPECT_FALSE(stat_of(t_ / "deep/er/file")) << "not before it is published";
    ASSERT_TRUE(a->publish(0640, june));
    EXPECT_EQ(t_.read("deep/er/file"), "content");
    const auto s = stat_of(t_ / "deep/er/file").value();
    EXPECT_EQ(s.mode, 0640U);
    EXPECT_EQ(s.modified, june);
    EXPECT_THAT(t_.names("deep/er"), ElementsAre("file"));
}

TEST_P(publishing, what_stands_there_is_replaced) {
    t_.write("file", "old");
    t_.link("link", "file");
    for (const char* name : {"file", "link"}) {
        auto a = create(name);
        ASSERT_TRUE(a);
        put(*a, "new");
        EXPECT_EQ(t_.read(name), "old");
        ASSERT_TRUE(a->publish(0, june));
        EXPECT_EQ(t_.read(name), "new");
        if (name == std::string("file")) t_.write("file", "old");
    }
    EXPECT_EQ(t_.read("file"), "old") << "the link was replaced, not what it leads to";
    EXPECT_THAT(t_.names(), ElementsAre("file", "link"));
}

TEST_P(publishing, a_file_that_appears_meanwhile_is_replaced) {
    auto a = create("file");
    ASSERT_TRUE(a);
    put(*a, "ours");
    t_.write("file", "theirs");
    ASSERT_TRUE(a->publish(0, june));
    EXPECT_EQ(t_.read("file"), "ours");
    EXPECT_THAT(t_.names(), ElementsAre("file"));
}

TEST_P(publishing, a_file_that_appears_meanwhile_is_left_when_only_new_ones_are_wanted) {
    for (const char* keep_as : {"", "part"}) {
        auto a = aside::create(t_ / "file", keep_as, GetParam());
        ASSERT_TRUE(a);
        put(*a, "ours");
        t_.write("file", "theirs");
        auto published = a->publish_new(0, june);
        ASSERT_TRUE(published) << published.error().describe();
        EXPECT_FALSE(*published);
        EXPECT_EQ(t_.read("file"), "theirs");
        EXPECT_THAT(t_.names(), ElementsAre("file"));
        auto b = aside::create(t_ / "new", keep_as, GetParam());
        ASSERT_TRUE(b);
        EXPECT_TRUE(b->publish_new(0, june).value());
        EXPECT_THAT(t_.names(), ElementsAre("file", "new"));
        ::unlink((t_ / "new").c_str());
    }
}

TEST_P(publishing, nothing_is_left_of_a_dropped_one) {
    {
        auto a = create("file");
        ASSERT_TRUE(a);
        put(*a, "content");
        aside moved = std::move(*a);
        put(moved, "more");
    }
    EXPECT_THAT(t_.names(), IsEmpty());
}

TEST_P(publishing, the_name_may_be_settled_last) {
    t_.write("later", "old");
    auto a = create("first");
    ASSERT_TRUE(a) << a.error().describe();
    put(*a, "content");
    EXPECT_FALSE(a->rename_target(t_ / "elsewhere/later")) << "another folder may be another file system";
    ASSERT_TRUE(a->rename_target(t_ / "later"));
    EXPECT_EQ(a->target(), t_ / "later");
    ASSERT_TRUE(a->publish(0, june));
    EXPECT_EQ(t_.read("later"), "content");
    EXPECT_THAT(t_.names(), ElementsAre("later"));
}

TEST_P(publishing, a_directory_in_the_way_is_said_at_once_and_at_the_end) {
    t_.directory("dir/sub");
    const auto at_once = create("dir");
    ASSERT_FALSE(at_once);
    EXPECT_EQ(at_once.error().kind(), kind::conflict);
    EXPECT_THAT(at_once.error().message(), HasSubstr("a directory of that name is in the way"));

    auto a = create("later");
    ASSERT_TRUE(a);
    t_.directory("later");
    const auto published = a->publish(0, june);
    ASSERT_FALSE(published);
    EXPECT_THAT(published.error().message(), HasSubstr("a directory of that name is in the way"));
    *a = create("other").value();
    EXPECT_THAT(t_.names(), testing::IsSupersetOf({"dir", "later"}));
    EXPECT_THAT(t_.names("later"), IsEmpty());
}

TEST_P(publishing, mode_zero_leaves_it_to_the_umask) {
    const mode_t before = ::umask(027);
    auto a = create("file");
    ::umask(before);
    ASSERT_TRUE(a);
    ASSERT_TRUE(a->publish(0, june));
    EXPECT_EQ(stat_of(t_ / "file")->mode, 0640U);
}

TEST_P(publishing, synced) {
    auto a = create("file");
    ASSERT_TRUE(a);
    put(*a, "content");
    EXPECT_TRUE(a->publish(0600, june, aside::durability::synced));
    EXPECT_EQ(t_.read("file"), "content");
}

TEST_P(publishing, large_files_too) {
    auto a = create("file");
    ASSERT_TRUE(a);
    put(*a, "end", 64 * MiB);
    EXPECT_TRUE(a->publish(0600, june));
    EXPECT_EQ(stat_of(t_ / "file")->size, 64 * MiB + 3);
}

TEST_P(publishing, the_longest_name_works) {
    const std::string name(255, 'n');
    t_.write(name, "old");
    auto a = create(name);
    ASSERT_TRUE(a) << a.error().describe();
    put(*a, "new");
    ASSERT_TRUE(a->publish(0600, june));
    EXPECT_EQ(t_.read(name), "new");
}

TEST_P(publishing, a_file_where_a_folder_must_be_is_an_error) {
    t_.write("file");
    const auto a = create("file/below");
    ASSERT_FALSE(a);
    EXPECT_THAT(a.error().message(), HasSubstr("file of that name is in the way"));
}

TEST_P(publishing, no_file_name_is_refused) {
    EXPECT_FALSE(create(""));
    EXPECT_FALSE(create("dir/"));
    EXPECT_FALSE(aside::create("", {}, GetParam()));
}

TEST_P(publishing, a_write_that_fails_names_the_target) {
    auto a = create("file");
    ASSERT_TRUE(a);
    // A limit on the size of files stands in for a full disk; in a child, for the limit holds for the
    // process.
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{100, 100};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const std::string text(200, 'x');
        const auto done = write_at(a->fd(), std::as_bytes(std::span(text)), 0, a->target());
        ::_exit(!done && done.error().message().find(a->target()) != std::string::npos ? 0 : 1);
    }
    int status = 1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_P(publishing, a_killed_process_leaves_no_unnamed_file) {
    if (GetParam() == aside::naming::hidden) GTEST_SKIP() << "a hidden one stays, as documented";
    const pid_t child = ::fork();
    if (child == 0) {
        auto a = create("file");
        put(*a, "content");
        ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_THAT(t_.names(), IsEmpty());
}

TEST(kept_file, a_later_run_continues_it) {
    const temporary_folder t;
    {
        auto a = aside::create(t / "dir/file", ".part");
        ASSERT_TRUE(a);
        put(*a, "first ");
    }
    EXPECT_THAT(t.names("dir"), ElementsAre(".part"));
    auto a = aside::create(t / "dir/file", ".part");
    ASSERT_TRUE(a);
    EXPECT_EQ(stat_of(a->fd(), "x")->size, 6U);
    put(*a, "second", 6);
    ASSERT_TRUE(a->publish(0600, june));
    EXPECT_EQ(t.read("dir/file"), "first second");
    EXPECT_THAT(t.names("dir"), ElementsAre("file"));
}

TEST(kept_file, can_be_discarded) {
    const temporary_folder t;
    auto a = aside::create(t / "file", ".part");
    ASSERT_TRUE(a);
    a->discard();
    EXPECT_THAT(t.names(), IsEmpty());
    auto b = aside::create(t / "file");
    b->discard();
    EXPECT_THAT(t.names(), IsEmpty());
}

TEST(kept_file, one_process_at_a_time) {
    const temporary_folder t;
    auto first = aside::create(t / "file", ".part");
    ASSERT_TRUE(first);
    const auto second = aside::create(t / "file", ".part");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind(), kind::conflict);
    ASSERT_TRUE(first->publish(0600, june));
    EXPECT_TRUE(aside::create(t / "file", ".part"));
}

TEST(kept_file, what_is_no_file_is_refused) {
    const temporary_folder t;
    t.write("elsewhere", "precious");
    t.link(".part", "elsewhere");
    t.directory(".dir");
    ASSERT_EQ(::mkfifo((t / ".pipe").c_str(), 0600), 0);
    for (const char* name : {".part", ".dir", ".pipe", "a/b", ".."}) {
        EXPECT_FALSE(aside::create(t / "file", name)) << name;
    }
    EXPECT_EQ(t.read("elsewhere"), "precious");
}

}  // namespace
