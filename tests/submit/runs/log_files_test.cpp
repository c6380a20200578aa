#include "submit/runs/log_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names(const std::vector<runs::log_file>& files) {
    std::vector<std::string> out;
    for (const auto& f : files) out.push_back(f.name);
    return out;
}

TEST(log_files, come_with_rank_0_first) {
    temp_folder folder;
    for (const char* name : {"stdout-10.txt", "stdout-9.txt", "stderr.txt", "stdout.txt", "setup.txt",
                             "stderr-9.txt", "user_logs/x"})
        folder.write(name, "x");
    runs::record r;
    r.logs = folder.path();
    EXPECT_THAT(names(runs::log_files(r)),
                ElementsAre("setup.txt", "stdout.txt", "stderr.txt", "stderr-9.txt", "stdout-9.txt",
                            "stdout-10.txt", "user_logs/x"));
    EXPECT_THAT(names(runs::log_files(r, 0)), ElementsAre("setup.txt", "stdout.txt", "stderr.txt"));
    EXPECT_THAT(names(runs::log_files(r, 9)), ElementsAre("stdout-9.txt", "stderr-9.txt"));
    EXPECT_THAT(names(runs::log_files(r, 11)), ElementsAre());
    EXPECT_EQ(runs::master_log(r)->name, "stdout.txt");
}

TEST(log_files, of_azure_ml_are_known_by_their_old_and_new_names) {
    for (const char* name : {"user_logs/std_log.txt", "azureml-logs/70_driver_log_0.txt"}) {
        temp_folder folder;
        folder.write(name, "x");
        runs::record r;
        r.logs = folder.path();
        EXPECT_THAT(names(runs::log_files(r, 0)), ElementsAre(name));
    }
}

TEST(last_lines, are_whole) {
    temp_folder folder;
    auto last = [&](const std::string& text, std::size_t lines, std::size_t cap = 1000) {
        return *runs::last_lines(folder.write("f", text), lines, cap);
    };
    EXPECT_EQ(last("a\nb\nc\n", 2), "b\nc\n");
    EXPECT_EQ(last("a\nb\nc", 2), "b\nc");
    EXPECT_EQ(last("a\nb\n", 2), "a\nb\n");
    EXPECT_EQ(last("\nb\n", 1), "b\n");
    EXPECT_EQ(last("a\n", 5), "a\n");
    EXPECT_EQ(last("", 5), "");
    EXPECT_EQ(last("cut line\nwhole\n", 5, 10), "whole\n");
    EXPECT_EQ(last("one line without an end", 5, 10), "out an end");
}

}  // namespace
}  // namespace act::testing
