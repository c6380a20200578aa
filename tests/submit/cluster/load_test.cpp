#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project.hpp"

namespace act::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class cluster_load : public project_test {};

const cluster::setting* find_setting(const cluster::config& c, const std::string& name) {
    for (const auto& s : c.settings) {
        if (s.name == name) return &s;
    }
    return nullptr;
}

TEST_F(cluster_load, reads_a_whole_file_of_act) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    auto c = loaded("eu");
    EXPECT_EQ(c.name, "eu");
    EXPECT_EQ(c.file, folder_ / "aux_data/aml/eu.yaml");
    EXPECT_EQ(c.root, folder_.path());
    EXPECT_EQ(c.platform, "aml");
    EXPECT_FALSE(c.builtin_local);
    EXPECT_EQ(c.experiment_name, "exp");
    EXPECT_EQ(c.gpu_per_node, 8);
    EXPECT_EQ(c.num_gpu, 16);
    EXPECT_TRUE(c.multi_process);
    EXPECT_FALSE(c.process_count_per_node);
    EXPECT_EQ(c.compile_args, "--fast");
    EXPECT_EQ(c.env.at("ANSWER"), "42");
    EXPECT_EQ(c.env.at("EXPIRES"), "2026-01-01");
    EXPECT_TRUE(c.zip_options_given);
    EXPECT_THAT(c.zip_options, ElementsAre("-x", "\\*big/\\*", "-x", "notes.txt"));
    EXPECT_EQ(c.other.at("compute_target"), "gpu8");
    EXPECT_EQ(c.other.at("docker.image"), "registry.example/train:1");
    EXPECT_EQ(c.other.at("elastic_num_gpu.1"), "8");
    EXPECT_EQ(c.other.at("config_param.data_folder.datastore_name"), "eudata");
    ASSERT_EQ(c.mappings.size(), 3u);
    EXPECT_EQ(c.mappings[0].key, "code_path");
    EXPECT_EQ(c.mappings[0].folder, "");
    EXPECT_EQ(c.mappings[2].folder, "output");
    EXPECT_EQ(c.mappings[2].path, "team/output");
    EXPECT_EQ(cluster::code_path(c)->path, "team/code/code.zip");
    EXPECT_THAT(cluster::data_folders(c), ElementsAre("data", "output"));
    EXPECT_THAT(c.warnings, IsEmpty());
}

TEST_F(cluster_load, needs_no_account_file_to_load) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    EXPECT_TRUE(load("eu"));
    EXPECT_FALSE(folder_.has("aux_data/configs"));
}

TEST_F(cluster_load, knows_where_each_value_came_from_and_hides_secrets) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    auto c = loaded("eu");
    EXPECT_THAT(find_setting(c, "gpu_per_node")->origin, HasSubstr("eu.yaml:26"));
    EXPECT_EQ(find_setting(c, "sleep_if_succeed")->origin, "default");
    EXPECT_EQ(find_setting(c, "cluster")->origin, "flag -c");
    EXPECT_TRUE(find_setting(c, "docker.password")->hidden);
    EXPECT_EQ(find_setting(c, "docker.username")->value, "reader");
    for (const auto& s : c.settings) {
        EXPECT_THAT(s.value, Not(HasSubstr("not-a-real")));
    }
}

TEST_F(cluster_load, is_found_from_a_sub_folder) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    folder_.write("src/deep/er/x.py", "");
    EXPECT_EQ(loaded("eu", "src/deep/er").root, folder_.path());
}

TEST_F(cluster_load, the_default_is_named_after_the_file_behind_the_link) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    std::filesystem::create_symlink("eu.yaml", folder_ / "aux_data/aml/aml.yaml");
    auto c = loaded();
    EXPECT_EQ(c.name, "eu");
    EXPECT_EQ(find_setting(c, "cluster")->origin, "default");
}

TEST_F(cluster_load, a_dangling_default_is_an_error_not_the_built_in_cluster) {
    std::filesystem::create_directories(folder_ / "aux_data/aml");
    std::filesystem::create_symlink("gone.yaml", folder_ / "aux_data/aml/aml.yaml");
    EXPECT_THAT(failure(), HasSubstr("gone.yaml, which does not exist"));
}

TEST_F(cluster_load, the_environment_names_the_default) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    folder_.write("aux_data/aml/aml.yaml", "platform: local\n");
    folder_.write("src/x", "");
    environment_["AML_CONFIG_PATH"] = "aux_data/aml/eu.yaml";
    auto c = loaded("", "src");
    EXPECT_EQ(c.name, "eu");
    EXPECT_EQ(find_setting(c, "cluster")->origin, "environment AML_CONFIG_PATH");
    environment_["AML_CONFIG_PATH"] = folder_ / "aux_data/aml/eu.yaml";
    EXPECT_EQ(loaded().root, folder_.path());
    environment_["AML_CONFIG_PATH"] = "nowhere.yaml";
    EXPECT_THAT(failure(), HasSubstr("AML_CONFIG_PATH names nowhere.yaml"));
}

TEST_F(cluster_load, a_flag_wins_over_the_environment) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    environment_["AML_CONFIG_PATH"] = "nowhere.yaml";
    EXPECT_EQ(loaded("eu").name, "eu");
}

TEST_F(cluster_load, an_unknown_cluster_lists_the_known_and_the_nearest) {
    folder_.write("aux_data/aml/west.yaml", full_cluster);
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    auto text = failure("wset");
    EXPECT_THAT(text, HasSubstr("known: eu, local, west"));
    EXPECT_THAT(text, HasSubstr("did you mean -c west?"));
}

TEST_F(cluster_load, with_no_file_there_is_the_built_in_cluster) {
    folder_.write(".git/HEAD", "");
    folder_.write("src/x", "");
    auto c = loaded("", "src");
    EXPECT_TRUE(c.builtin_local);
    EXPECT_EQ(c.name, "local");
    EXPECT_EQ(c.platform, "local");
    EXPECT_EQ(c.file, "");
    EXPECT_EQ(c.root, folder_.path());
    EXPECT_THAT(cluster::data_folders(c), Contains("data"));
    auto account = cluster::load_account(c, c.mappings[1].account_file, {});
    ASSERT_TRUE(account);
    EXPECT_EQ(account->container, cluster::builtin_container);
}

TEST_F(cluster_load, local_by_name_is_the_built_in_cluster_unless_there_is_a_file) {
    folder_.write("aux_data/aml/aml.yaml", full_cluster);
    EXPECT_TRUE(loaded("local").builtin_local);
    folder_.write("aux_data/aml/local.yaml", "platform: local\n");
    EXPECT_FALSE(loaded("local").builtin_local);
}

TEST_F(cluster_load, a_folder_above_that_anybody_may_write_into_is_not_searched) {
    folder_.write("shared/aux_data/aml/aml.yaml", full_cluster);
    folder_.write("shared/mine/x", "");
    EXPECT_EQ(loaded("", "shared/mine").name, "aml");
    ::chmod((folder_ / "shared").c_str(), 0777);
    EXPECT_TRUE(loaded("", "shared/mine").builtin_local);
}

TEST_F(cluster_load, legacy_entries_are_plain_strings) {
    folder_.write("aux_data/aml/old.yaml", R"(
azure_blob_config_file: aux_data/configs/old.yaml
datastore_name: old
aks_compute: true
config_param:
  code_path: path/code.zip
  data_folder: path/data/
)");
    auto c = loaded("old");
    EXPECT_EQ(c.platform, "itp");
    EXPECT_EQ(c.mappings[1].path, "path/data");
    EXPECT_EQ(c.mappings[1].account_file, "aux_data/configs/old.yaml");
}

TEST_F(cluster_load, a_misspelt_key_is_reported_with_the_nearest) {
    folder_.write("aux_data/aml/eu.yaml", R"(
gpu_per_nod: 8
compute: gpu8
qqqq: 1
docker: {imgae: x}
node_check: {disc: 20G, gpus: true}
local: {mpi_run: false}
data_cache: 200G
config_param:
  data_folder: {azure_blob_config_file: a.yaml, path: p, storage_typ: blob}
  data: p
)");
    auto c = loaded("eu");
    EXPECT_THAT(c.warnings,
                Contains(HasSubstr("eu.yaml:2:1: unknown key 'gpu_per_nod'; did you mean 'gpu_per_node'?")));
    EXPECT_THAT(c.warnings, Contains(HasSubstr("'compute'; did you mean 'compute_target'?")));
    EXPECT_THAT(c.warnings, Contains(HasSubstr("'qqqq'; it has no effect")));
    EXPECT_THAT(c.warnings, Contains(HasSubstr("'imgae' in docker; did you mean 'image'?")));
    EXPECT_THAT(c.warnings, Contains(HasSubstr("'disc' in node_check; did you mean 'disk'?")));
    EXPECT_THAT(c.warnings, Contains(HasSubstr("'mpi_run' in local; did you mean 'mpirun'?")));
    EXPECT_THAT(c.warnings, Not(Contains(HasSubstr("data_cache"))));
    EXPECT_EQ(c.other.at("data_cache"), "200G");
    EXPECT_EQ(c.other.at("node_check.gpus"), "true");
    EXPECT_THAT(c.warnings, Contains(HasSubstr("did you mean 'storage_type'?")));
    EXPECT_THAT(c.warnings, Contains(HasSubstr("config_param.data has no effect")));
    EXPECT_EQ(c.gpu_per_node, 4);
}

TEST_F(cluster_load, wrong_types_and_missing_keys_are_named) {
    struct {
        const char* text;
        const char* expected;
    } cases[] = {
        {"data_cache: {size: 20G}\nconfig_param: {}\n", "data_cache must be text, not a mapping"},
        {"gpu_per_node: four\nconfig_param: {}\n",
         "x.yaml:1:15: gpu_per_node must be a whole number from 0 up, not 'four'"},
        {"num_gpu: -1\nconfig_param: {}\n", "num_gpu must be a whole number from 0 up, not '-1'"},
        {"multi_process: [1]\nconfig_param: {}\n", "multi_process must be true or false, not a list"},
        {"env: [A]\nconfig_param: {}\n", "env must be a mapping of names to values, not a list"},
        {"env: {A: [1]}\nconfig_param: {}\n", "env.A must be text, not a list"},
        {"config_param: 3\n", "config_param must be a mapping, not '3'"},
        {"gpu_per_node: 4\n", "x.yaml: the key 'config_param' is missing"},
        {"config_param: {data_folder: {azure_blob_config_file: a}}\n",
         "config_param.data_folder lacks the key 'path'"},
        {"config_param: {data_folder: {path: p}}\n",
         "config_param.data_folder lacks the key 'azure_blob_config_file'"},
        {"config_param: {data_folder: {azure_blob_config_file: a, path: p, mode: muont}}\n",
         "must be one of download, link"},
        {"platform: slrum\nconfig_param: {}\n", "unknown platform 'slrum'"},
        {"zip_options: {a: 1}\nconfig_param: {}\n", "zip_options must be a list"},
        {"std_out_err_path_prefix: [a]\nconfig_param: {}\n",
         "std_out_err_path_prefix must be text, not a list"},
    };
    for (const auto& c : cases) {
        folder_.write("aux_data/aml/x.yaml", c.text);
        EXPECT_THAT(failure("x"), HasSubstr(c.expected)) << c.text;
    }
}

TEST_F(cluster_load, a_local_platform_needs_no_mappings) {
    folder_.write("aux_data/aml/here.yaml", "platform: local\n");
    EXPECT_EQ(loaded("here").platform, "local");
}

TEST_F(cluster_load, zip_options_may_be_one_line) {
    folder_.write("aux_data/aml/here.yaml", "platform: local\nzip_options: \"-x 'a b/*'  *.bin\"\n");
    EXPECT_THAT(loaded("here").zip_options, ElementsAre("-x", "a b/*", "*.bin"));
}

TEST_F(cluster_load, what_act_dropped_is_said) {
    folder_.write("aux_data/aml/x.yaml", "platform: local\nuse_custom_docker: false\nuse_cli_auth: true\n");
    auto c = loaded("x");
    EXPECT_THAT(c.warnings, ElementsAre(HasSubstr("use_custom_docker is always true")));
}

TEST_F(cluster_load, the_workspace_comes_from_json_or_in_line) {
    folder_.write("aux_data/aml/eu.yaml", full_cluster);
    auto c = loaded("eu");
    EXPECT_FALSE(cluster::load_workspace(c));
    folder_.write("aux_data/aml/config.json",
                  R"({"subscription_id":"s","resource_group":"g","workspace_name":"w"})");
    auto w = cluster::load_workspace(c);
    ASSERT_TRUE(w) << w.error().describe();
    EXPECT_EQ(w->workspace_name, "w");
    folder_.write("aux_data/aml/config.json", R"({"subscription_id":"s","resource_group":"g"})");
    EXPECT_THAT(cluster::load_workspace(c).error().message(),
                HasSubstr("the key 'workspace_name' is missing"));
    folder_.write("aux_data/aml/config.json", "{");
    EXPECT_THAT(cluster::load_workspace(c).error().message(), HasSubstr("not a JSON object"));
    folder_.write(
        "aux_data/aml/in.yaml",
        "config_param: {}\naml_config: {subscription_id: s, resource_group: g, workspace_name: w2}\n");
    EXPECT_EQ(cluster::load_workspace(loaded("in"))->workspace_name, "w2");
}

TEST(names_secret, goes_by_the_words_in_a_name) {
    for (const char* secret :
         {"HF_TOKEN", "hfToken", "tokenizer_token", "docker.password", "AWS_SECRET", "X_KEY"})
        EXPECT_TRUE(cluster::names_secret(secret)) << secret;
    for (const char* plain : {"TOKENIZERS_PARALLELISM", "tokenizer", "PATH", "image", ""})
        EXPECT_FALSE(cluster::names_secret(plain)) << plain;
}

}  // namespace
}  // namespace act::testing
