#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs.hpp"

namespace act::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A cluster file with `std_out_err_path_prefix: output/logs`.
class logs_delivery : public jobs_test {
protected:
    logs_delivery() {
        config_.builtin_local = false;
        config_.file = "here.yaml";
        config_.mappings = {{.key = "output_folder", .folder = "output", .account_file = "a", .path = "p"}};
        config_.other["local.mpirun"] = "false";
        prefix() = "output/logs";
        store_.sent = home_ / "sent";
    }
    std::string& prefix() { return config_.other["std_out_err_path_prefix"]; }
    static std::string stored(const runs::record& r, const std::string& name) {
        return "sent/p/logs/" + r.id + "/" + name;
    }
};

TEST_F(logs_delivery, all_of_them_arrive_when_the_command_has_failed) {
    layout_ = {.nodes = 1, .processes_per_node = 2};
    auto r = run({"sh", "-c", "echo bad >&2; [ $RANK = 1 ] || exec sleep 1000; echo last; exit 3"});
    EXPECT_EQ(r.exit_code, 3) << r.reason;
    EXPECT_EQ(home_.read(stored(r, "stdout-1.txt")), "last\n");
    EXPECT_EQ(home_.read(stored(r, "stderr-1.txt")), "bad\n");
    EXPECT_FALSE(home_.has(stored(r, "delivery.txt")));
    EXPECT_FALSE(std::filesystem::exists(r.folder + "/logs-copy"));
}

TEST_F(logs_delivery, they_arrive_while_the_command_goes_on) {
    config_.other["local.upload_seconds"] = "1";
    store_.script += "; echo \"$1\" > \"$2/from\"";
    // It goes on when its first line has arrived.
    auto r = run({"sh", "-c",
                  "echo first; until [ -s " + (home_ / "sent/p/logs/$ACT_RUN_ID/stdout.txt") +
                      " ]; do :; done; echo last"});
    EXPECT_EQ(r.state, runs::state::completed) << r.reason;
    EXPECT_EQ(home_.read(stored(r, "stdout.txt")), "first\nlast\n");
    EXPECT_EQ(home_.read("sent/from"), r.folder + "/logs-copy\n") << "what grows could not be sent";
}

TEST_F(logs_delivery, they_arrive_when_the_run_is_cancelled) {
    ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
    auto d = driver();
    auto r = submit(*d, {"sh", "-c", "echo begun; echo > " + (home_ / "fifo") + "; exec sleep 1000"});
    ASSERT_TRUE(r) << r.error().describe();
    home_.read("fifo");
    auto ended = runtime_.run(d->cancel(*r, until{}.within(std::chrono::seconds(60))));
    ASSERT_TRUE(ended) << ended.error().describe();
    EXPECT_EQ(ended->state, runs::state::canceled);
    EXPECT_EQ(home_.read(stored(*r, "stdout.txt")), "begun\n");
}

TEST_F(logs_delivery, batch_ai_had_them_below_a_mount_root) {
    for (const char* before : {"$AZ_BATCHAI_MOUNT_ROOT/", "${AZ_BATCHAI_JOB_MOUNT_ROOT}/", "./"}) {
        prefix() = std::string(before) + "output/logs/";
        EXPECT_EQ(home_.read(stored(run({"echo", "x"}), "stdout.txt")), "x\n") << before;
    }
}

TEST_F(logs_delivery, a_place_that_is_none_is_refused) {
    for (const char* given : {"elsewhere/logs", "/logs", "../logs", "$HOME/output", "$ACT_MOUNT_ROOT"}) {
        prefix() = given;
        auto r = submit(*driver(), {"true"});
        ASSERT_FALSE(r) << given;
        EXPECT_EQ(r.error().kind(), kind::configuration);
        EXPECT_THAT(r.error().message(),
                    HasSubstr(std::string("here.yaml: std_out_err_path_prefix is '") + given + "': "));
        EXPECT_THAT(r.error().advice(), HasSubstr("below a mapped folder"));
    }
    prefix() = "output/logs";
    config_.mappings[0].storage_type = "file";
    EXPECT_THAT(submit(*driver(), {"true"}).error().message(), HasSubstr("Azure file share"));
}

TEST_F(logs_delivery, what_does_not_arrive_is_told_with_the_outputs) {
    config_.mappings[0].mode = "upload";
    store_.sent.clear();
    auto r = run({"true"});
    EXPECT_EQ(r.state, runs::state::failed);
    EXPECT_THAT(r.reason, AllOf(HasSubstr("what is in " + r.folder + "/outputs/output could not"),
                                HasSubstr("; what is in " + r.logs + " could not be brought to the store")));
}

}  // namespace
}  // namespace act::testing
