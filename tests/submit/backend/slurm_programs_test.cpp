#include "submit/backend/slurm_programs.hpp"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "slurm_jobs.hpp"

namespace act::testing {
namespace {

TEST_F(backend_slurm, a_program_that_does_not_end_may_be_asked_again) {
    const std::string never = home_ / "never";
    ASSERT_EQ(::mkfifo(never.c_str(), 0600), 0);
    fake("squeue", "read x < " + never + "\n");
    const std::map<std::string, std::string> environment = {{"PATH", (home_ / "bin") + ":/usr/bin:/bin"}};
    backend::slurm::programs p(runtime_, environment, "", std::chrono::milliseconds(1));
    EXPECT_EQ(runtime_.run(p.run({"squeue"}, {})).error().kind(), kind::unavailable);
    auto mine = until{}.within(std::chrono::milliseconds(1));
    EXPECT_EQ(runtime_.run(p.run({"squeue"}, mine)).error().kind(), kind::timeout);
}

}  // namespace
}  // namespace act::testing
