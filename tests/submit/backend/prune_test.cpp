#include "submit/backend/prune.hpp"

#include <csignal>
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "jobs.hpp"
#include "submit/agent/work_folder.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class prune : public jobs_test {
protected:
    prune() {
        config_.builtin_local = false;
        config_.mappings = {{.key = "output_folder", .folder = "output", .path = "p", .mode = "upload"}};
    }
    static wall_time later() { return now() + std::chrono::hours(1); }
    std::vector<backend::leftover> leftovers(backend::leftover_options how = {.ended_before = later()}) {
        auto found = backend::leftovers(journal_, how);
        EXPECT_TRUE(found);
        return *found;
    }
};

TEST_F(prune, what_ended_long_ago_goes_and_its_record_stays) {
    store_.sent = home_ / "sent";
    auto r = run({"sh", "-c", "echo 123456789 > output/made; exit 3"});
    EXPECT_THAT(leftovers({.ended_before = r.ended}), IsEmpty());
    auto found = leftovers();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].id, r.id);
    EXPECT_EQ(found[0].kept, "");
    EXPECT_GE(found[0].bytes, 10u);
    ASSERT_TRUE(backend::remove(journal_, found[0], {.ended_before = later()}));
    EXPECT_FALSE(std::filesystem::exists(r.folder));
    EXPECT_EQ(journal_.find(r.id)->exit_code, 3);
    EXPECT_THAT(leftovers(), IsEmpty());
    EXPECT_EQ(home_.read("sent/p/" + r.id + "/made"), "123456789\n");
}

TEST_F(prune, what_did_not_get_to_the_store_stays) {
    auto r = run({"true"});
    EXPECT_EQ(r.state, runs::state::failed);
    auto found = leftovers();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].kept, "its outputs or logs are not known to be in the store");
    EXPECT_THAT(found[0].advice,
                HasSubstr("cp '" + r.folder + "/outputs/output' '" + r.cluster + ":output/" + r.id + "'"));
    EXPECT_THAT(found[0].advice, HasSubstr("act prune --undelivered " + r.id));
    const backend::leftover_options how{.only = {r.id}, .undelivered = true};
    found = leftovers(how);
    ASSERT_THAT(found, SizeIs(1));
    ASSERT_TRUE(backend::remove(journal_, found[0], how));
    EXPECT_FALSE(std::filesystem::exists(r.folder));
}

// Their records do not tell what arrived.
TEST_F(prune, outputs_of_runs_by_an_earlier_build_stay) {
    store_.sent = home_ / "sent";
    auto made = run({"sh", "-c", "echo 1 > output/made"});
    auto nothing_made = run({"true"});
    for (const auto& id : {made.id, nothing_made.id}) {
        EXPECT_EQ(journal_.find(id)->details.at("delivered"), "yes");
        ASSERT_TRUE(journal_.update(id, [](runs::record& x) { x.details.erase("delivered"); }));
    }
    auto found = leftovers();
    ASSERT_THAT(found, SizeIs(2));
    for (const auto& one : found) EXPECT_EQ(one.kept.empty(), one.id == nothing_made.id);
}

TEST_F(prune, what_has_changed_since_it_was_looked_at_stays) {
    store_.sent = home_ / "sent";
    auto r = run({"true"});
    auto found = leftovers();
    ASSERT_THAT(found, SizeIs(1));
    ASSERT_EQ(found[0].kept, "");
    runs::record waits;
    waits.details[backend::detail::queue] = r.folder + "/queue";
    ASSERT_TRUE(journal_.add(std::move(waits)));
    ASSERT_TRUE(backend::remove(journal_, found[0], {.ended_before = later()}));
    EXPECT_NE(found[0].kept, "");
    EXPECT_TRUE(std::filesystem::exists(r.folder));
}

TEST_F(prune, what_an_interrupted_removal_left_goes) {
    home_.write("state/act/runs/.removed-x/code/f", "x");
    ASSERT_TRUE(backend::clear_removed(journal_));
    EXPECT_FALSE(home_.has("state/act/runs/.removed-x"));
}

TEST_F(prune, trees_of_the_foreground_go_when_they_are_old) {
    const std::string below = journal_.folder() + "/local/";
    auto held =
        agent::make_work_folder((std::filesystem::create_directories(below), below + "at-work"), "", "");
    ASSERT_TRUE(held);
    ASSERT_TRUE(agent::make_work_folder(below + "kept", "", ""));
    agent::keep_work_folder(below + "kept");
    EXPECT_THAT(leftovers({.ended_before = now() - std::chrono::hours(1)}), IsEmpty());
    auto found = leftovers();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].folder, below + "kept");
    ASSERT_TRUE(backend::remove(journal_, found[0], {.ended_before = later()}));
    EXPECT_FALSE(std::filesystem::exists(below + "kept"));
    EXPECT_TRUE(std::filesystem::exists(below + "at-work"));
}

TEST_F(prune, what_a_killed_supervisor_did_not_bring_stays) {
    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    store_.sent = home_ / "sent";
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "echo > " + (home_ / "fifo") + "; exec sleep 1000"});
    ASSERT_TRUE(r) << r.error().describe();
    home_.read("fifo");
    EXPECT_THAT(leftovers(), IsEmpty()) << "it runs yet";
    ::kill(static_cast<pid_t>(journal_.find(r->id)->pid), SIGKILL);
    auto ended = runtime_.run(d->status(*r, until{}.within(std::chrono::seconds(60))));
    while (ended && !runs::is_final(ended->state)) ended = runtime_.run(d->status(*r, {}));
    ASSERT_TRUE(ended) << ended.error().describe();
    auto found = leftovers();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_NE(found[0].kept, "");
}

TEST_F(prune, a_queue_that_others_wait_in_stays) {
    store_.sent = home_ / "sent";
    auto r = run({"true"});
    runs::record waits;
    waits.details[backend::detail::queue] = r.folder + "/queue";
    auto added = journal_.add(std::move(waits));
    ASSERT_TRUE(added);
    EXPECT_EQ(leftovers().at(0).kept, "runs of its sweep that have not ended need it");
    ASSERT_TRUE(journal_.update(added->id, [](runs::record& x) { x.state = runs::state::canceled; }));
    EXPECT_EQ(leftovers().at(0).kept, "");
}

TEST_F(prune, slurm_runs_go_when_their_array_has_ended) {
    store_.sent = home_ / "sent";
    const auto r = run({"true"});
    ASSERT_TRUE(journal_.update(r.id, [](runs::record& x) { x.platform = "slurm", x.group = "g"; }));
    runs::record other;
    other.platform = "slurm", other.group = "g";
    const auto added = journal_.add(std::move(other));
    ASSERT_TRUE(added);
    EXPECT_EQ(leftovers().at(0).kept, "runs of its sweep that have not ended need it");
    ASSERT_TRUE(journal_.update(added->id, [](runs::record& x) { x.state = runs::state::completed; }));
    auto found = leftovers({.only = {r.id}});
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].kept, "");
    ASSERT_TRUE(backend::remove(journal_, found[0], {.only = {r.id}}));
    EXPECT_FALSE(std::filesystem::exists(r.folder));
}

}  // namespace
}  // namespace act::testing
