#include <gtest/gtest.h>

#include "submit/agent/agent.hpp"

namespace act::testing {
void submit_and_die(const std::string& home, const std::string& project, const std::string& fifo);
}

// The test is its own agent, as act is: `backend_test agent supervise ...`.
int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]) == "agent") {
        return act::agent::entry(std::vector<std::string>(argv + 2, argv + argc));
    }
    if (argc > 4 && std::string(argv[1]) == "submit-and-die")
        act::testing::submit_and_die(argv[2], argv[3], argv[4]);
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
