#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jobs.hpp"

namespace act::testing {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class backend_data : public jobs_test {
protected:
    void map(const std::string& folder, const std::string& path, const std::string& mode = {}) {
        config_.builtin_local = false;
        config_.name = "here";
        if (config_.mappings[0].folder == "*") config_.mappings.clear();
        config_.mappings.push_back(
            {.key = folder + "_folder", .folder = folder, .account_file = "a", .path = path, .mode = mode});
    }
};

TEST_F(backend_data, a_folder_of_the_project_is_linked) {
    project_.write("data/x", "here");
    run({"cat", "data/x"});
    EXPECT_EQ(out_, "here");
    EXPECT_THAT(store_.asked, ElementsAre("models"));
    run({"sh", "-c", "echo new > data/made"});
    EXPECT_EQ(project_.read("data/made"), "new\n");
}

TEST_F(backend_data, what_the_command_names_is_fetched_into_a_cache) {
    store_.blobs = {{"data/x/a", "A"}, {"data/x/b", "B"}, {"data/y", "Y"}};
    run({"sh", "-c", "cat $1/a $1/b; ls data", "sh", "data/x/"});
    EXPECT_EQ(out_, "ABx\n");
    EXPECT_THAT(store_.asked, ElementsAre("data/x", "models"));
    EXPECT_THAT(notes_, HasSubstr("data/x is not on this machine"));
    EXPECT_FALSE(project_.has("data"));
    run({"cat", "--", "data/y"});
    EXPECT_EQ(out_, "Y");
}

TEST_F(backend_data, options_with_values_name_paths_too) {
    store_.blobs = {{"data/x", "X"}};
    run({"sh", "-c", "cat \"${1#--in=}\"", "sh", "--in=data/x"});
    EXPECT_EQ(out_, "X");
}

TEST_F(backend_data, any_first_component_is_data_on_the_built_in_cluster) {
    store_.blobs = {{"sets/a", "A"}};
    run({"cat", "sets/a"});
    EXPECT_EQ(out_, "A");
}

TEST_F(backend_data, code_is_not_taken_for_data) {
    project_.write("src/x", "code");
    run({"cat", "src/x"});
    EXPECT_EQ(out_, "code");
    run({"sh", "-c", "cat src/x; echo $1 $2", "sh", "http://host/x", "main.sh"});
    for (const auto& path : store_.asked) EXPECT_THAT(path, AnyOf("data", "models"));
}

TEST_F(backend_data, a_path_that_is_nowhere_is_left_to_the_command) {
    auto r = run({"sh", "-c", "[ -e nosuch ] || exit 5", "sh", "nosuch/path"});
    EXPECT_EQ(r.exit_code, 5);
    EXPECT_FALSE(project_.has("nosuch"));
}

TEST_F(backend_data, what_is_missing_in_a_folder_of_the_project_is_fetched_to_its_place) {
    project_.write("data/old", "old");
    store_.blobs = {{"data/new", "new"}};
    run({"cat", "data/old", "data/new"});
    EXPECT_EQ(out_, "oldnew");
    EXPECT_EQ(project_.read("data/new"), "new");
}

TEST_F(backend_data, mapped_folders_are_fetched_whole_when_nothing_of_them_is_named) {
    map("data", "p/data");
    store_.blobs = {{"p/data/a", "A"}, {"p/other", "O"}};
    run({"sh", "-c", "cat data/a"});
    EXPECT_EQ(out_, "A");
    EXPECT_THAT(store_.asked, ElementsAre("data"));
}

TEST_F(backend_data, data_by_convention_is_fetched_when_it_is_only_in_the_store) {
    store_.blobs = {{"data/a", "A"}, {"output/old", "O"}};
    run({"sh", "-c", "cat data/a; ls"});
    EXPECT_EQ(out_, "Adata\nmain.sh\n");
    EXPECT_THAT(store_.asked, ElementsAre("data", "models"));
    EXPECT_EQ(notes_, "");
    EXPECT_FALSE(project_.has("data"));
}

TEST_F(backend_data, an_output_folder_appears_in_the_project) {
    map("output", "p/output");
    run({"sh", "-c", "echo made > output/result"});
    EXPECT_EQ(project_.read("output/result"), "made\n");
}

TEST_F(backend_data, a_folder_of_mode_link_must_be_here) {
    map("data", "p/data", "link");
    auto d = driver();
    auto r = submit(*d, {"true"});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::not_found);
    EXPECT_THAT(r.error().advice(), HasSubstr("act d data"));
    EXPECT_THAT(*journal_.list(), IsEmpty());
}

TEST_F(backend_data, without_a_store_the_advice_is_to_download) {
    auto s = services();
    s.data = nullptr;
    auto d = backend::make_driver(config_, s);
    auto r = submit(**d, {"cat", "data/x"});
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().advice(), StartsWith("download it first: act d data/x"));
}

}  // namespace
}  // namespace act::testing
