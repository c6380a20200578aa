#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace act::testing {

/// `ACT_GOLDEN_UPDATE=1` writes the files anew, to be read before they are committed.
inline void expect_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(ACT_GOLDEN) + "/" + name;
    if (::getenv("ACT_GOLDEN_UPDATE")) std::ofstream(path) << text;
    std::ifstream in(path);
    std::ostringstream expected;
    expected << in.rdbuf();
    EXPECT_EQ(text, expected.str()) << path;
}

}  // namespace act::testing
