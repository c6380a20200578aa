#include <gtest/gtest.h>

#include "submit/agent/agent.hpp"

// The test is its own agent, as act is: `backend_test agent supervise ...`.
int main(int argc, char** argv) {
    if (argc > 1 && std::string(argv[1]) == "agent") {
        return act::agent::entry(std::vector<std::string>(argv + 2, argv + argc));
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
