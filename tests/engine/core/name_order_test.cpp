#include "engine/core/name_order.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace act {
namespace {

TEST(name_order, by_components_as_accounts_with_folders_list) {
    // As Azure/azure-sdk-for-go issue 24210 shows it.
    const std::vector<std::string> listed = {"A",       "A/dat1", "A-B",      "A-B/dat2", "A-B-C",
                                             "A-C",     "A.C",    "A.C/dat3", "AB",       "AB/AB",
                                             "AB/dat4", "AB.txt", "ABC"};
    for (std::size_t a = 0; a < listed.size(); ++a) {
        for (std::size_t b = 0; b < listed.size(); ++b) {
            const int order = compare(name_order::components, listed[a], listed[b]);
            EXPECT_EQ(order < 0, a < b) << listed[a] << ", " << listed[b];
            EXPECT_EQ(order == 0, a == b) << listed[a] << ", " << listed[b];
        }
    }
    auto bytes = listed;
    std::ranges::sort(bytes, [](auto& a, auto& b) { return compare(name_order::bytes, a, b) < 0; });
    EXPECT_TRUE(std::ranges::is_sorted(bytes));
}

TEST(name_order, any_bytes) {
    std::mt19937 random(1);
    constexpr std::string_view bytes = "/\1\xff.a";
    const auto name = [&] {
        std::string out;
        for (auto n = random() % 6; n > 0; --n) out += bytes[random() % bytes.size()];
        return out;
    };
    // With the one byte that no name has in place of '/', plain comparison does the same.
    const auto plain = [](std::string text) {
        std::ranges::replace(text, '/', '\0');
        return text;
    };
    for (int i = 0; i < 20000; ++i) {
        const std::string a = name(), b = name();
        const int order = compare(name_order::components, a, b), expected = plain(a).compare(plain(b));
        EXPECT_EQ(order < 0, expected < 0);
        EXPECT_EQ(order > 0, expected > 0);
    }
}

}  // namespace
}  // namespace act
