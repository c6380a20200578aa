#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project.hpp"

namespace act::testing {
namespace {

using ::testing::HasSubstr;

class cluster_locate : public project_test {
protected:
    void SetUp() override {
        folder_.write("aux_data/aml/eu.yaml", full_cluster);
        folder_.write("src/x/y", "");
        config_ = loaded("eu");
    }
    std::string failure_of(const std::string& path, const std::string& from = {}) {
        auto l = cluster::locate(config_, path, from.empty() ? folder_.path() : folder_ / from);
        EXPECT_FALSE(l) << path;
        return l ? std::string() : l.error().describe() + " | " + l.error().advice();
    }
    cluster::config config_;
};

TEST_F(cluster_locate, table) {
    struct {
        std::string path, from, relative, blob;
        bool slash;
    } cases[] = {
        {"data/voc20", "", "data/voc20", "team/data/voc20", false},
        {"data/voc20/", "", "data/voc20", "team/data/voc20", true},
        {"./data//voc20/.", "", "data/voc20", "team/data/voc20", false},
        {"data", "", "data", "team/data", false},
        {"data/", "", "data", "team/data", true},
        {"output/a b/#?%25+&'\"", "", "output/a b/#?%25+&'\"", "team/output/a b/#?%25+&'\"", false},
        {"data/x/../y", "", "data/y", "team/data/y", false},
        {"data/..x", "", "data/..x", "team/data/..x", false},
        {"../data/z", "src", "data/z", "team/data/z", false},
        {"../../data/z", "src/x", "data/z", "team/data/z", false},
        {"sub", "data", "data/sub", "team/data/sub", false},
        {".", "data/deep", "data/deep", "team/data/deep", false},
        {folder_ / "data/abs", "", "data/abs", "team/data/abs", false},
        {folder_ / "src/../data/abs/", "src", "data/abs", "team/data/abs", true},
    };
    for (const auto& c : cases) {
        auto l = cluster::locate(config_, c.path, c.from.empty() ? folder_.path() : folder_ / c.from);
        ASSERT_TRUE(l) << c.path << ": " << l.error().describe();
        EXPECT_EQ(l->relative, c.relative) << c.path;
        EXPECT_EQ(l->blob_path, c.blob) << c.path;
        EXPECT_EQ(l->local, folder_ / c.relative) << c.path;
        EXPECT_EQ(l->trailing_slash, c.slash) << c.path;
        ASSERT_NE(l->map, nullptr);
    }
}

TEST_F(cluster_locate, what_lies_outside_is_refused) {
    EXPECT_THAT(failure_of("../elsewhere"), HasSubstr("lies outside the project"));
    EXPECT_THAT(failure_of("data/../../x"), HasSubstr("lies outside the project"));
    EXPECT_THAT(failure_of("/etc/passwd"), HasSubstr("mapped folder: data, output"));
    EXPECT_THAT(failure_of(folder_.path() + "2/data"), HasSubstr("lies outside the project"));
    EXPECT_THAT(failure_of("."), HasSubstr("is the project's root"));
    EXPECT_THAT(failure_of(folder_.path()), HasSubstr("is the project's root"));
    EXPECT_THAT(failure_of(""), HasSubstr("empty"));
}

TEST_F(cluster_locate, an_unmapped_folder_lists_the_mapped) {
    auto text = failure_of("datta/voc20");
    EXPECT_THAT(text, HasSubstr("'datta' is not mapped in cluster eu; mapped: data, output"));
    EXPECT_THAT(text, HasSubstr("did you mean 'data/voc20'?"));
    EXPECT_THAT(failure_of("src/x"), HasSubstr("add src_folder to config_param in " + config_.file));
}

TEST_F(cluster_locate, a_project_reached_by_a_link_works) {
    temp_folder elsewhere;
    std::filesystem::create_directory_symlink(folder_.path(), elsewhere / "link");
    auto l = cluster::locate(config_, elsewhere / "link/data/x", "/");
    ASSERT_TRUE(l) << l.error().describe();
    EXPECT_EQ(l->blob_path, "team/data/x");
}

TEST_F(cluster_locate, file_shares_are_named_as_such) {
    config_.mappings[1].storage_type = "file";
    EXPECT_THAT(failure_of("data/x"), HasSubstr("Azure file share"));
}

TEST_F(cluster_locate, an_empty_mapped_path_is_the_containers_root) {
    config_.mappings[1].path = "";
    EXPECT_EQ(cluster::locate(config_, "data/x", folder_.path())->blob_path, "x");
    EXPECT_EQ(cluster::locate(config_, "data", folder_.path())->blob_path, "");
}

TEST_F(cluster_locate, the_built_in_cluster_maps_every_first_component) {
    config_ = loaded("local");
    auto l = cluster::locate(config_, "../anything/x/", folder_ / "src");
    ASSERT_TRUE(l) << l.error().describe();
    EXPECT_EQ(l->blob_path, "anything/x");
    EXPECT_EQ(l->map->folder, "*");
    EXPECT_TRUE(l->trailing_slash);
    EXPECT_THAT(failure_of("../x"), HasSubstr("lies outside the project"));
    EXPECT_THAT(failure_of("."), HasSubstr("is the project's root"));
}

}  // namespace
}  // namespace act::testing
