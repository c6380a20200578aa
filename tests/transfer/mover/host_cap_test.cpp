#include "transfer/mover/host_cap.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "transfer/mover/controller.hpp"

namespace act {
namespace {

using namespace std::chrono_literals;

class host_cap_test : public ::testing::Test {
protected:
    host_cap_test() {
        std::string name = ::testing::TempDir() + "/cap-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~host_cap_test() override { std::filesystem::remove_all(folder_); }

    std::string path() const { return folder_ + "/below/cap"; }
    std::unique_ptr<host_cap> open() {
        auto made = host_cap::open(path());
        EXPECT_TRUE(made) << made.error().describe();
        return std::move(*made);
    }
    /// Lets all of them begin what they can, a step a millisecond, and gives what each has begun.
    std::vector<std::uint64_t> run(const std::vector<host_cap*>& all, const std::vector<std::uint64_t>& sizes,
                                   steady::duration length) {
        std::vector<std::uint64_t> begun(all.size());
        std::vector<host_cap::turn> turns(all.size());
        for (const auto end = now_ + length; now_ < end; now_ += 1ms) {
            for (std::size_t i = 0; i < all.size(); ++i) {
                while (all[i]->begin(turns[i], now_, sizes[i]) == steady::duration()) ++begun[i];
            }
        }
        return begun;
    }

    std::string folder_;
    steady::time_point now_ = steady::now();
    host_cap::turn first_, second_;
};

TEST_F(host_cap_test, nothing_is_held_until_it_is_set) {
    const auto cap = open();
    EXPECT_TRUE(cap->get().none());
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(cap->begin(first_, now_, 1 << 30), steady::duration());
}

TEST_F(host_cap_test, two_processes_keep_to_one_budget) {
    // Mapped twice, as by two processes.
    const auto one = open(), other = open();
    one->set({.operations = 500});
    EXPECT_EQ(other->get().operations, 500);
    const auto begun = run({one.get(), other.get()}, {0, 0}, 10s);
    EXPECT_NEAR(static_cast<double>(begun[0] + begun[1]), 5000, 50);
    // What one leaves is the other's.
    EXPECT_NEAR(static_cast<double>(run({other.get()}, {0}, 10s)[0]), 5000, 50);
}

TEST_F(host_cap_test, bytes_are_paid_for_afterwards) {
    const auto one = open(), other = open();
    one->set({.bytes = 100e6});
    const auto begun = run({one.get(), other.get()}, {8'000'000, 10'000}, 20s);
    EXPECT_NEAR(static_cast<double>(begun[0]) * 8e6 + static_cast<double>(begun[1]) * 1e4, 2000e6, 20e6);
    EXPECT_GT(begun[0], 10u);
    EXPECT_GT(begun[1], 10u);
    // Those that moved less than they seemed to leave the rest to others.
    now_ += 1s;
    ASSERT_EQ(one->begin(first_, now_, 100'000'000), steady::duration());
    one->correct(100'000'000, 0);
    EXPECT_EQ(other->begin(second_, now_, 100'000'000), steady::duration());
    EXPECT_NEAR(std::chrono::duration<double>(one->begin(first_, now_, 1)).count(), 0.98, 0.03);
}

TEST_F(host_cap_test, a_change_holds_at_once_for_those_that_wait) {
    const auto one = open(), other = open();
    one->set({.bytes = 1000});
    ASSERT_EQ(one->begin(first_, now_, 1'000'000), steady::duration());
    EXPECT_GT(other->begin(second_, now_, 1), 900s);
    one->set({.bytes = 2000});
    EXPECT_EQ(other->begin(second_, now_, 1), steady::duration());
    one->set({});
    for (int i = 0; i < 100; ++i) EXPECT_EQ(other->begin(second_, now_, 1 << 30), steady::duration());
}

TEST_F(host_cap_test, both_caps_hold_and_a_refusal_takes_nothing) {
    const auto cap = open();
    cap->set({.operations = 100, .bytes = 1e6});
    const auto begun = run({cap.get()}, {100'000}, 10s);
    EXPECT_NEAR(static_cast<double>(begun[0]), 100, 3);
    EXPECT_NEAR(static_cast<double>(run({cap.get()}, {10}, 10s)[0]), 1000, 15);
}

TEST_F(host_cap_test, a_damaged_file_is_replaced_and_what_is_none_is_told) {
    open()->set({.operations = 1});
    for (const char* damaged : {"", "act-cap1", "something else, which is longer than all of it would be"}) {
        std::ofstream(path(), std::ios::trunc) << damaged;
        const auto cap = open();
        EXPECT_TRUE(cap->get().none());
        EXPECT_EQ(std::filesystem::status(path()).permissions(),
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    std::filesystem::remove(path());
    std::filesystem::create_directory(path());
    EXPECT_FALSE(host_cap::open(path()));
    std::ofstream(folder_ + "/file");
    EXPECT_FALSE(host_cap::open(folder_ + "/file/cap"));
    std::size_t files = 0;
    for (const auto& e : std::filesystem::directory_iterator(folder_ + "/below"))
        files += e.is_regular_file();
    EXPECT_EQ(files, 0u) << "nothing is left beside it";
}

TEST_F(host_cap_test, times_that_cannot_be_are_forgotten) {
    open()->set({.operations = 10});
    {
        std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(24);  // when the next operation may begin
        const std::int64_t far = std::int64_t{1} << 62;
        file.write(reinterpret_cast<const char*>(&far), sizeof far);
    }
    const auto cap = open();
    EXPECT_EQ(cap->begin(first_, now_, 0), steady::duration());
    EXPECT_GT(cap->begin(first_, now_, 0), steady::duration());
    EXPECT_LT(cap->begin(first_, now_, 0), 1s);
}

TEST_F(host_cap_test, a_controller_keeps_to_it_besides_its_own) {
    const auto cap = open();
    cap->set({.operations = 200});
    controller held({.cap_operations = 1000, .together = cap.get()}),
        alone({.cap_operations = 50, .together = cap.get()});
    unsigned by_held = 0, by_alone = 0;
    for (const auto end = now_ + 10s; now_ < end; now_ += 1ms) {
        for (auto* c : {&alone, &held}) {
            if (c->begin(now_, 0) != steady::duration()) continue;
            ++(c == &held ? by_held : by_alone);
            c->end({.at = now_});
        }
    }
    EXPECT_NEAR(by_alone, 500, 10);
    EXPECT_NEAR(by_held + by_alone, 2000, 30);
    EXPECT_EQ(held.limit(), controller::options().start) << "a cap says nothing about the way there";
}

}  // namespace
}  // namespace act
