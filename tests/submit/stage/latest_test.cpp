#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packing.hpp"

namespace act::testing {
namespace {

class stage_latest : public packing_test {};

TEST_F(stage_latest, the_last_archive_is_remembered_per_project_and_cluster) {
    cluster::config c;
    c.root = tree_.path();
    c.name = "eu";
    tree_.write("a", "1");
    auto r = pack();
    EXPECT_EQ(stage::recall(options_.folder, c).error().kind(), kind::not_found);
    ASSERT_TRUE(stage::remember(options_.folder, c, r.hash));
    EXPECT_EQ(*stage::recall(options_.folder, c), r.hash);
    c.name = "we";
    EXPECT_FALSE(stage::recall(options_.folder, c));
    c.name = "eu";
    std::filesystem::remove(r.archive);
    EXPECT_FALSE(stage::recall(options_.folder, c));
}

TEST_F(stage_latest, blob_names) {
    EXPECT_EQ(stage::blob_name("team/code/code.zip", "H"), "team/code/code/H.zip");
    EXPECT_EQ(stage::blob_name(".act/code", "H"), ".act/code/H.zip");
    EXPECT_EQ(stage::blob_name("", "H"), "H.zip");
}

TEST_F(stage_latest, options_follow_the_cluster_file) {
    cluster::config c;
    c.root = tree_.path();
    c.files = {tree_ / "aux_data/aml/eu.yaml"};
    c.mappings = {
        {.key = "data_folder", .folder = "data", .account_file = "./conf/../secret.yaml", .path = "p"},
        {.key = "x_folder", .folder = "x", .account_file = "/etc/elsewhere.yaml", .path = "p"}};
    c.zip_options = {"-x", "y"};
    auto o = stage::options_for(c, {});
    EXPECT_THAT(o.data_folders, ::testing::ElementsAre("data", "x"));
    EXPECT_EQ(o.zip_options, c.zip_options);
    ASSERT_EQ(o.never.size(), 2u);
    EXPECT_EQ(o.never[0].name, "secret.yaml");
    EXPECT_TRUE(o.never[0].secret);
    EXPECT_EQ(o.never[1].name, "assets");
    c.other["docker.password"] = "x";
    o = stage::options_for(c, {{"AML_LOG_FOLDER", "logs/all"}});
    ASSERT_EQ(o.never.size(), 3u);
    EXPECT_EQ(o.never[1].name, "aux_data/aml/eu.yaml");
    EXPECT_EQ(o.never[2].name, "logs/all");
}

TEST_F(stage_latest, what_act_keeps_in_a_home_that_is_the_project_is_no_code) {
    cluster::config c;
    c.root = tree_.path();
    std::vector<std::string> names;
    for (const auto& n : stage::options_for(c, {{"HOME", c.root}, {"XDG_CACHE_HOME", "/elsewhere"}}).never)
        names.push_back(n.name);
    EXPECT_THAT(names, ::testing::ElementsAre("assets", ".local/state/act", ".local/share/act"));
}

TEST_F(stage_latest, a_cluster_file_with_a_secret_stays_here_wherever_it_lies) {
    auto refused = [&](const cluster::config& c) {
        std::vector<std::string> out;
        for (const auto& n : stage::options_for(c, {}).never) {
            if (n.secret) out.push_back(n.name);
        }
        return out;
    };
    cluster::config c;
    c.root = tree_.path();
    c.files = {tree_ / "conf/eu.yaml", tree_ / "conf/base.yaml"};
    c.other["docker.password"] = "env:REGISTRY";
    c.env["HF_TOKEN"] = "file:/run/token";
    EXPECT_THAT(refused(c), ::testing::IsEmpty());
    c.env["HF_TOKEN"] = "abc";
    EXPECT_THAT(refused(c), ::testing::ElementsAre("conf/eu.yaml", "conf/base.yaml"));
    c.env.clear();
    // The base's own is not among the settings that count.
    tree_.write("conf/base.yaml", "docker:\n  password: s3cret\n");
    EXPECT_THAT(refused(c), ::testing::ElementsAre("conf/eu.yaml", "conf/base.yaml"));
}

}  // namespace
}  // namespace act::testing
