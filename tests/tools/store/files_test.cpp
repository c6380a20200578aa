#include "tools/store/files.hpp"

#include <fstream>
#include <sys/wait.h>

#include "fixture.hpp"
#include "tools/store/content.hpp"

namespace act::store {
namespace {

class files_test : public testing::Test {
protected:
    void SetUp() override { index_ = opened(index::open(folder_.path() + "/index")); }
    std::unique_ptr<files> open() { return opened(files::open(folder_.path(), *index_)); }
    bool exists(const std::string& path) { return std::filesystem::exists(path); }
    temporary_folder folder_;
    std::unique_ptr<index> index_;
};

TEST_F(files_test, a_fresh_file_goes_away_unless_it_is_kept) {
    auto f = open();
    std::string dropped, kept;
    {
        auto a = f->create(), b = f->create();
        ASSERT_TRUE(a && b);
        dropped = f->path(a->id());
        kept = f->path(b->id());
        EXPECT_TRUE(exists(dropped));
        b->keep();
    }
    EXPECT_FALSE(exists(dropped));
    EXPECT_TRUE(exists(kept));
}

TEST_F(files_test, a_retired_file_waits_for_those_who_may_be_reading_it) {
    auto f = open();
    auto a = f->create();
    a->keep();
    auto early = f->hold();
    f->retire({a->id()});
    auto late = f->hold();
    EXPECT_FALSE(f->retired());
    f->remove_retired();
    EXPECT_TRUE(exists(f->path(a->id())));
    EXPECT_TRUE(f->open(a->id()));
    early.release();
    EXPECT_TRUE(f->retired());
    f->remove_retired();
    EXPECT_FALSE(exists(f->path(a->id())));
}

TEST_F(files_test, numbers_are_never_given_twice) {
    id first = 0;
    {
        auto f = open();
        first = f->next_id(true);
        EXPECT_TRUE(is_file(first));
        EXPECT_FALSE(is_file(f->next_id()));
    }
    auto f = open();
    EXPECT_GT(f->next_id(), first);
}

// A process that dies leaves one file that the index knows and one that it does not; another process is
// writing.
TEST_F(files_test, the_sweep_removes_what_dead_processes_left_and_nothing_else) {
    index_.reset();
    const std::string report = folder_.path() + "/report";
    const pid_t child = ::fork();
    if (child == 0) {
        auto i = opened(index::open(folder_.path() + "/index"));
        auto f = opened(files::open(folder_.path(), *i));
        auto known = f->create(), lost = f->create();
        known->keep();
        (void)i->write_now([&](writer& w) { add_file_piece(w, known->id()); });
        std::ofstream(report) << f->path(known->id()) << '\n'
                              << f->path(lost->id()) << '\n'
                              << f->session() << '\n';
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    std::string known, lost;
    std::uint64_t session = 0;
    std::ifstream(report) >> known >> lost >> session;
    ASSERT_TRUE(exists(known) && exists(lost));

    SetUp();
    auto living = open(), f = open();
    auto being_written = living->create();
    EXPECT_FALSE(f->alive(session));
    EXPECT_TRUE(f->alive(living->session()));
    f->sweep([] { return true; });
    EXPECT_TRUE(exists(known));
    EXPECT_FALSE(exists(lost));
    EXPECT_TRUE(exists(living->path(being_written->id())));
    EXPECT_FALSE(exists(folder_.path() + "/sessions/" + std::to_string(session)));
}

}  // namespace
}  // namespace act::store
