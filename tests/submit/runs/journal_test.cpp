#include <chrono>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "submit/runs/runs.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class runs_journal : public ::testing::Test {
protected:
    runs::journal open() {
        auto j = runs::journal::open(folder_ / "state");
        EXPECT_TRUE(j) << j.error().describe();
        return std::move(*j);
    }
    runs::record add(runs::journal& j, std::vector<std::string> command = {"true"}) {
        runs::record r;
        r.cluster = r.platform = "local";
        r.command = std::move(command);
        auto added = j.add(r);
        EXPECT_TRUE(added) << added.error().describe();
        return *added;
    }
    temp_folder folder_;
};

TEST_F(runs_journal, a_record_comes_back_whole) {
    auto j = open();
    runs::record r;
    r.cluster = "eu";
    r.platform = "slurm";
    r.project = "/p";
    r.experiment = "e";
    r.command = {"python3",
                 "",
                 "a b",
                 "'\"\\",
                 "new\nline",
                 "*",
                 "$HOME",
                 std::string(100000, 'x'),
                 "\xff\xfe not UTF-8",
                 "ü"};
    r.code = "abc";
    r.name = "first";
    r.group = "sweep1";
    r.point = "lr=0.1";
    r.env = {{"A", "b=c"}};
    r.asked_gpus = 8;
    r.single = r.hold = true;
    r.gpus = 8;
    r.nodes = 2;
    r.processes_per_node = 4;
    r.backend_id = "17";
    r.details = {{"partition", "gpu"}};
    auto added = j.add(r);
    ASSERT_TRUE(added);
    EXPECT_THAT(added->id, MatchesRegex("[0-9]{8}-[0-9]{6}-[a-z2-9]{6}"));
    EXPECT_EQ(added->folder, folder_ / "state/runs/" + added->id);
    EXPECT_TRUE(std::filesystem::is_directory(added->logs));
    auto found = open().find(added->id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->command, r.command);
    EXPECT_EQ(found->cluster, "eu");
    EXPECT_EQ(found->platform, "slurm");
    EXPECT_EQ(found->project, "/p");
    EXPECT_EQ(found->experiment, "e");
    EXPECT_EQ(found->code, "abc");
    EXPECT_EQ(found->name + found->group + found->point, "firstsweep1lr=0.1");
    EXPECT_EQ(found->env, r.env);
    EXPECT_EQ(found->asked_gpus, 8);
    EXPECT_TRUE(found->single && found->hold);
    EXPECT_EQ(found->gpus * 100 + found->nodes * 10 + found->processes_per_node, 824);
    EXPECT_EQ(found->backend_id, "17");
    EXPECT_EQ(found->details.at("partition"), "gpu");
    EXPECT_EQ(found->state, runs::state::queued);
    EXPECT_EQ(found->submitted, added->submitted);
    EXPECT_EQ(found->started, wall_time{});
    EXPECT_FALSE(found->exit_code);
}

TEST_F(runs_journal, an_update_reaches_other_processes_and_keeps_the_rest) {
    auto mine = open();
    auto theirs = open();
    auto r = add(mine, {"a", "b"});
    ASSERT_TRUE(theirs.find(r.id));
    auto at = now();
    auto updated = mine.update(r.id, [&](runs::record& x) {
        x.state = runs::state::failed;
        x.exit_code = 3;
        x.started = at;
        x.pid = 4711;
        x.pid_started = 12345678901;
    });
    ASSERT_TRUE(updated);
    auto seen = theirs.find(r.id);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->state, runs::state::failed);
    EXPECT_EQ(seen->exit_code, 3);
    EXPECT_EQ(seen->started, at);
    EXPECT_EQ(seen->pid, 4711);
    EXPECT_EQ(seen->pid_started, 12345678901u);
    EXPECT_EQ(seen->command, r.command);
    EXPECT_EQ(mine.update("nope", [](runs::record&) {}).error().kind(), kind::not_found);
}

TEST_F(runs_journal, an_update_without_a_change_writes_nothing) {
    auto j = open();
    auto r = add(j);
    auto before = folder_.read("state/runs.jsonl");
    ASSERT_TRUE(j.update(r.id, [](runs::record&) {}));
    EXPECT_EQ(folder_.read("state/runs.jsonl"), before);
}

TEST_F(runs_journal, is_found_by_a_unique_suffix) {
    auto j = open();
    auto a = add(j), b = add(j);
    EXPECT_EQ(j.find(runs::short_id(a.id))->id, a.id);
    EXPECT_EQ(j.find("/" + runs::short_id(b.id) + "/")->id, b.id);
    EXPECT_EQ(j.find("zzzzzzzzzz").error().kind(), kind::not_found);
    EXPECT_EQ(j.find("").error().kind(), kind::usage);
    folder_.write("state/runs.jsonl", "{\"id\":\"1-xab\"}\n{\"id\":\"2-yab\"}\n");
    auto ambiguous = j.find("ab");
    ASSERT_FALSE(ambiguous);
    EXPECT_EQ(ambiguous.error().kind(), kind::usage);
    EXPECT_THAT(ambiguous.error().message(), HasSubstr("2-yab, 1-xab"));
}

TEST_F(runs_journal, lists_newest_first) {
    auto j = open();
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.insert(ids.begin(), add(j).id);
    auto all = open().list();
    ASSERT_TRUE(all);
    std::vector<std::string> got;
    for (const auto& r : *all) got.push_back(r.id);
    EXPECT_EQ(got, ids);
}

TEST_F(runs_journal, a_torn_line_is_skipped_and_repaired) {
    auto j = open();
    auto a = add(j);
    std::string content = folder_.read("state/runs.jsonl");
    folder_.write("state/runs.jsonl", content + "{\"id\":\"half");
    EXPECT_EQ(j.list()->size(), 1u);
    auto b = add(j);
    auto all = open().list();
    ASSERT_EQ(all->size(), 2u);
    EXPECT_EQ((*all)[0].id, b.id);
    EXPECT_EQ(j.list()->size(), 2u);
}

TEST_F(runs_journal, many_processes_append_at_once) {
    constexpr int processes = 6, each = 20;
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
        pid_t pid = ::fork();
        if (pid == 0) {
            auto j = open();
            bool good = true;
            for (int i = 0; i < each; ++i) {
                auto r = add(j, {"p" + std::to_string(p)});
                good = good && j.update(r.id, [](runs::record& x) { x.state = runs::state::running; });
            }
            ::_exit(good ? 0 : 1);
        }
        children.push_back(pid);
    }
    for (pid_t pid : children) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }
    auto all = open().list();
    ASSERT_EQ(all->size(), static_cast<std::size_t>(processes * each));
    std::set<std::string> endings;
    for (const auto& r : *all) {
        EXPECT_EQ(r.state, runs::state::running);
        endings.insert(runs::short_id(r.id));
    }
    EXPECT_EQ(endings.size(), all->size());
}

TEST_F(runs_journal, five_thousand_runs_are_read_in_a_moment) {
    std::string text;
    for (int i = 0; i < 5000; ++i) {
        std::string id = "20260101-000000-" + std::to_string(100000 + i);
        text += "{\"id\":\"" + id +
                "\",\"cluster\":\"local\",\"platform\":\"local\",\"project\":\"/home/somebody/"
                "project\",\"command\":[\"python3\","
                "\"train.py\",\"--data\",\"data/voc20\",\"--lr\",\"0.1\"],\"state\":\"queued\",\"submitted\":"
                "\"2026-01-01T00:00:00.123456789Z\",\"folder\":\"/home/somebody/.local/state/act/runs/" +
                id + "\"}\n";
        text +=
            "{\"id\":\"" + id +
            "\",\"state\":\"running\",\"started\":\"2026-01-01T00:00:01Z\",\"pid\":12,\"pid_started\":34}\n";
        text += "{\"id\":\"" + id +
                "\",\"state\":\"completed\",\"ended\":\"2026-01-01T00:00:02Z\",\"exit_code\":0}\n";
    }
    folder_.write("state/runs.jsonl", text);
    auto begin = std::chrono::steady_clock::now();
    auto all = open().list();
    auto took = std::chrono::steady_clock::now() - begin;
    ASSERT_EQ(all->size(), 5000u);
    EXPECT_EQ((*all)[0].state, runs::state::completed);
    RecordProperty("milliseconds",
                   static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    // Generous: this may be a sanitizer's build on a busy machine; act q itself is held to 100 ms.
    EXPECT_LT(took, std::chrono::seconds(30));
}

TEST_F(runs_journal, is_for_the_user_alone) {
    auto j = open();
    auto r = add(j);
    for (const auto& path : {folder_ / "state", r.folder, r.logs, folder_ / "state/runs.jsonl"}) {
        struct stat s;
        ASSERT_EQ(::stat(path.c_str(), &s), 0);
        EXPECT_EQ(s.st_mode & 0077, 0u) << path;
    }
}

TEST(runs_record, durations_and_states) {
    runs::record r;
    EXPECT_FALSE(runs::duration(r, now()));
    r.started = now();
    EXPECT_DOUBLE_EQ(*runs::duration(r, r.started + std::chrono::seconds(5)), 5);
    r.ended = r.started + std::chrono::seconds(2);
    EXPECT_DOUBLE_EQ(*runs::duration(r, r.started + std::chrono::seconds(5)), 2);
    for (auto s : {runs::state::queued, runs::state::running, runs::state::completed, runs::state::failed,
                   runs::state::canceled}) {
        EXPECT_EQ(runs::parse_state(runs::to_string(s)), s);
    }
    EXPECT_FALSE(runs::parse_state("nonsense"));
    EXPECT_TRUE(runs::is_final(runs::state::canceled));
    EXPECT_FALSE(runs::is_final(runs::state::running));
}

TEST(runs_folders, follow_the_xdg_rules) {
    EXPECT_EQ(*runs::state_folder({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}), "/s/act");
    EXPECT_EQ(*runs::state_folder({{"XDG_STATE_HOME", "relative"}, {"HOME", "/h"}}), "/h/.local/state/act");
    EXPECT_EQ(*runs::cache_folder({{"HOME", "/h"}}), "/h/.cache/act");
    EXPECT_EQ(runs::state_folder({}).error().kind(), kind::configuration);
}

}  // namespace
}  // namespace act::testing
