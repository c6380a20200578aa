#include "submit/backend/data_cache.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Each cluster has a folder of its own in the cache, with 1,000 bytes of data.
class backend_data_cache : public jobs_test {
protected:
    backend_data_cache() { store_.blobs = {{"data/x", std::string(1000, 'x')}}; }

    backend::held_data hold(const std::string& cluster) {
        config_.name = cluster;
        auto cache = backend::data_cache::open(config_, services().environment);
        EXPECT_TRUE(cache) << cache.error().describe();
        auto held = cache->hold("data");
        EXPECT_TRUE(held) << held.error().describe();
        return std::move(*held);
    }
    /// A run of this cluster fetches its data, now or so many hours ago; its name in the cache.
    std::string fetched(const std::string& cluster, int hours = 0) {
        config_.name = cluster;
        auto r = run({"cat", "data/x"});
        EXPECT_EQ(out_.size(), 1000u) << err_;
        const std::string name = r.details["data"];
        if (hours == 0) return name;
        timespec at = {::time(nullptr) - hours * 3600, 0}, times[2] = {at, at};
        EXPECT_EQ(::utimensat(AT_FDCWD, (home_ / (folder_ + ".notes/" + name)).c_str(), times, 0), 0);
        return name;
    }
    bool has(const std::string& name) { return home_.has(folder_ + name + "/x"); }
    void bound(const std::string& size) { config_.other["data_cache"] = size; }

    const std::string folder_ = ".cache/act/data/";
};

TEST_F(backend_data_cache, what_was_used_longest_ago_goes_before_the_fetch_and_after_it) {
    const std::string a = fetched("a", 9), b = fetched("b", 20), c = fetched("c", 5);
    EXPECT_THAT(notes_, Not(HasSubstr("removed")));
    bound("2500");
    store_.at_fetch = [&] {
        EXPECT_FALSE(has(b));
        EXPECT_TRUE(has(a));
    };
    const std::string d = fetched("d");
    EXPECT_FALSE(has(a));
    EXPECT_TRUE(has(c));
    EXPECT_TRUE(has(d));
    EXPECT_THAT(notes_, HasSubstr("removed from fetched data in " + (home_ / ".cache/act/data") +
                                  ", which may take 2.44 KiB: " + b + " ("));
    EXPECT_THAT(notes_, HasSubstr(": " + a + " ("));
    EXPECT_TRUE(std::filesystem::is_empty(home_ / (folder_ + ".removed")));
}

TEST_F(backend_data_cache, use_counts_not_when_it_was_fetched) {
    const std::string a = fetched("a", 9), b = fetched("b", 5);
    EXPECT_EQ(fetched("a"), a);
    bound("2000");
    fetched("c");
    EXPECT_TRUE(has(a));
    EXPECT_FALSE(has(b));
}

TEST_F(backend_data_cache, what_has_not_changed_is_not_measured_again) {
    const std::string a = fetched("a"), thousand = "00000000000000001000";
    EXPECT_EQ(home_.read(folder_ + ".notes/" + a), thousand);
    home_.write(folder_ + a + "/of-no-fetch", "more");
    EXPECT_EQ(fetched("a"), a);
    EXPECT_EQ(home_.read(folder_ + ".notes/" + a), thousand);
    store_.blobs["data/x"] = std::string(1000, 'y');
    EXPECT_EQ(fetched("a"), a);
    EXPECT_EQ(home_.read(folder_ + ".notes/" + a), "00000000000000001004");
}

TEST_F(backend_data_cache, what_a_run_needs_that_has_not_ended_stays) {
    const std::string go = home_ / "go";
    ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
    config_.name = "a";
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "read line < \"$1\"; cat data/x", "sh", go});
    ASSERT_TRUE(r) << r.error().describe();
    const std::string a = r->details["data"];
    bound("0");
    const std::string b = fetched("b");
    EXPECT_TRUE(has(a));
    {
        file::descriptor fifo(::open(go.c_str(), O_RDWR | O_CLOEXEC));
        ASSERT_EQ(::write(fifo.get(), "\n", 1), 1);
        auto ended = runtime_.run(
            backend::follow(*d, *r, backend::log_sink(), until{}.within(std::chrono::seconds(60))));
        ASSERT_TRUE(ended) << ended.error().describe();
        EXPECT_EQ(ended->state, runs::state::completed) << ended->reason;
    }
    fetched("c");
    EXPECT_FALSE(has(a));
    EXPECT_FALSE(has(b));
}

TEST_F(backend_data_cache, what_another_submission_is_about_to_use_stays) {
    const std::string a = fetched("a", 9);
    auto held = hold("a");
    const std::string b = hold("b").name;
    bound("0");
    store_.at_fetch = [&] {
        file::descriptor note(::open((home_ / (folder_ + ".notes/" + b)).c_str(), O_RDWR | O_CLOEXEC));
        EXPECT_NE(::flock(note.get(), LOCK_EX | LOCK_NB), 0) << "this one holds what it fetches";
    };
    EXPECT_EQ(fetched("b"), b);
    EXPECT_TRUE(has(a));
    held.lock.reset();
    fetched("b");
    EXPECT_FALSE(has(a));
}

TEST_F(backend_data_cache, a_removal_that_fails_is_no_failure_of_the_submission) {
    const std::string a = fetched("a", 9);
    home_.write(folder_ + ".removed", "in the way");
    bound("0");
    fetched("b");
    EXPECT_TRUE(has(a));
    EXPECT_THAT(notes_, HasSubstr("warning: fetched data takes more than it may: "));
}

TEST_F(backend_data_cache, what_a_killed_removal_left_goes) {
    home_.write(folder_ + ".removed/abc/data/x", "x");
    fetched("a");
    EXPECT_FALSE(home_.has(folder_ + ".removed/abc"));
}

TEST_F(backend_data_cache, sizes_are_noted_and_measured_where_they_are_not) {
    home_.write(folder_ + "0123456789abcdef/old/x", std::string(2000, 'o'));
    home_.write(folder_ + "0123456789abcdef/old/deep/y", std::string(3000, 'o'));
    bound("6000");
    const std::string a = fetched("a");
    EXPECT_EQ(home_.read(folder_ + ".notes/" + a), "00000000000000001000");
    EXPECT_EQ(home_.read(folder_ + ".notes/0123456789abcdef/old"), "00000000000000005000");
    EXPECT_TRUE(has("0123456789abcdef/old"));
    bound("5999");
    fetched("a");
    EXPECT_FALSE(has("0123456789abcdef/old"));
    hold("a");
    EXPECT_EQ(home_.read(folder_ + ".notes/" + a), "") << "whoever is killed while it grows leaves no size";
}

TEST_F(backend_data_cache, the_bound_is_the_environments_or_the_cluster_files_or_what_is_free) {
    auto environment = services().environment;
    auto opened = [&] { return backend::data_cache::open(config_, environment); };
    EXPECT_EQ(opened()->bound(30, 10), 20u);
    bound("2k");
    EXPECT_EQ(opened()->bound(30, 10), 2048u);
    environment["ACT_DATA_CACHE"] = "3k";
    EXPECT_EQ(opened()->bound(30, 10), 3072u);
    environment["ACT_DATA_CACHE"] = "much";
    EXPECT_THAT(opened().error().message(), HasSubstr("ACT_DATA_CACHE cannot be 'much'"));
    bound("lots");
    auto r = submit(*driver(), {"cat", "data/x"});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::configuration);
    EXPECT_THAT(r.error().message(), HasSubstr("data_cache cannot be 'lots'"));
    EXPECT_THAT(store_.asked, IsEmpty());
    EXPECT_THAT(*journal_.list(), IsEmpty());
}

}  // namespace
}  // namespace act::testing
