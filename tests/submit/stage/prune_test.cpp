#include <fcntl.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packing.hpp"

namespace act::testing {
namespace {

class stage_prune : public packing_test {
protected:
    /// An archive of 1,000 bytes that was used so many hours ago; its hash.
    std::string archive(char digit, int hours) {
        std::string hash(64, digit);
        out_.write("code/" + hash + ".zip", std::string(1000, 'z'));
        age("code/" + hash + ".zip", hours);
        return hash;
    }
    void age(const std::string& name, int hours) {
        timespec at = {::time(nullptr) - hours * 3600, 0}, times[2] = {at, at};
        ASSERT_EQ(::utimensat(AT_FDCWD, (out_ / name).c_str(), times, 0), 0);
    }
    bool has(const std::string& hash) { return out_.has("code/" + hash + ".zip"); }
    std::uint64_t prune(std::uint64_t bound) {
        auto gone = stage::prune(options_.folder, bound, [&]() -> result<std::set<std::string>> {
            asked_ = true;
            return needed_;
        });
        EXPECT_TRUE(gone) << gone.error().describe();
        return gone ? *gone : 0;
    }
    std::set<std::string> needed_;
    bool asked_ = false;
};

TEST_F(stage_prune, what_was_used_longest_ago_goes_first) {
    auto a = archive('a', 3), b = archive('b', 9), c = archive('c', 6);
    out_.write("code/index/1", std::string(1000, 'i'));
    age("code/index/1", 8);
    EXPECT_EQ(prune(2000), 2000u);
    EXPECT_TRUE(has(a));
    EXPECT_FALSE(has(b));
    EXPECT_TRUE(has(c));
    EXPECT_FALSE(out_.has("code/index/1"));
}

TEST_F(stage_prune, below_the_bound_nothing_goes_and_nobody_is_asked) {
    auto a = archive('a', 30);
    EXPECT_EQ(prune(1000), 0u);
    EXPECT_TRUE(has(a));
    EXPECT_FALSE(asked_);
    options_.folder = out_ / "nowhere";
    EXPECT_EQ(prune(0), 0u);
}

TEST_F(stage_prune, what_is_needed_pinned_or_in_use_stays) {
    auto of_a_run = archive('a', 30), pinned = archive('b', 20), fresh = archive('c', 0),
         old = archive('d', 10);
    needed_ = {of_a_run};
    cluster::config c;
    c.root = "/p";
    c.name = "eu";
    ASSERT_TRUE(stage::remember(options_.folder, c, pinned));
    EXPECT_EQ(prune(0), 1000u);
    EXPECT_TRUE(has(of_a_run));
    EXPECT_TRUE(has(pinned));
    EXPECT_TRUE(has(fresh));
    EXPECT_FALSE(has(old));
}

TEST_F(stage_prune, packing_again_and_pinning_count_as_use) {
    tree_.write("a", "1");
    auto r = pack();
    std::string name = "code/" + r.hash + ".zip";
    age(name, 100);
    pack();
    prune(0);
    EXPECT_TRUE(out_.has(name));
    cluster::config c;
    ASSERT_TRUE(stage::remember(options_.folder, c, r.hash));
    age(name, 100);
    ASSERT_TRUE(stage::recall(options_.folder, c));
    std::filesystem::remove_all(out_ / "code/latest");
    prune(0);
    EXPECT_TRUE(out_.has(name));
}

}  // namespace
}  // namespace act::testing
