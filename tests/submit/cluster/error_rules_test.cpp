#include "submit/cluster/error_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

TEST(error_rules, are_read_from_the_project) {
    temp_folder folder;
    EXPECT_TRUE(cluster::load_error_rules(folder.path())->empty());
    folder.write("aux_data/error_classes.yaml",
                 "Flaky: {pattern: 'flaky [0-9]+', retriable: true}\nOther:\n  pattern: [one, two]\n");
    auto rules = cluster::load_error_rules(folder.path());
    ASSERT_TRUE(rules) << rules.error().describe();
    ASSERT_EQ(rules->size(), 3u);
    EXPECT_EQ((*rules)[0].name, "Flaky");
    EXPECT_EQ((*rules)[0].pattern, "flaky [0-9]+");
    EXPECT_TRUE((*rules)[0].retriable);
    EXPECT_EQ((*rules)[2].pattern, "two");
    EXPECT_FALSE((*rules)[2].retriable);
}

TEST(error_rules, are_refused_with_file_and_line) {
    for (const char* text : {"Flaky: {retriable: true}\n", "\nFlaky: text\n",
                             "Flaky: {pattern: x, retry: 1}\n", "Flaky: {pattern: ''}\n"}) {
        temp_folder folder;
        folder.write("aux_data/error_classes.yaml", text);
        auto rules = cluster::load_error_rules(folder.path());
        ASSERT_FALSE(rules) << text;
        EXPECT_EQ(rules.error().kind(), kind::configuration);
        EXPECT_THAT(rules.error().describe(), HasSubstr("error_classes.yaml:")) << text;
    }
}

}  // namespace
}  // namespace act::testing
