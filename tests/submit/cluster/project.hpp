#pragma once

#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "submit/cluster/cluster.hpp"

namespace act::testing {

/// A project as ACT's users have it.
inline const char* const full_cluster = R"(
azure_blob_config_file: null
datastore_name: null
aml_config: aux_data/aml/config.json
config_param:
  code_path:
    azure_blob_config_file: aux_data/configs/eublob_account.yaml
    path: team/code/code.zip
  data_folder:
    azure_blob_config_file: ./aux_data/configs/eublob_account.yaml
    path: team/data
    datastore_name: eudata
    blob_cache_timeout: 3600
  output_folder:
    azure_blob_config_file: aux_data/configs/other.yaml
    path: /team/output/
    storage_type: blob
use_custom_docker: true
compute_target: gpu8
docker:
  image: registry.example/train:1
  address: registry.example
  username: reader
  password: not-a-real-password
experiment_name: exp
gpu_per_node: 8
num_gpu: 16
multi_process: yes
process_count_per_node: null
env:
  NCCL_DEBUG: INFO
  ANSWER: 42
  EXPIRES: 2026-01-01
  API_TOKEN: not-a-real-token
zip_options: ['-x', '\*big/\*', '-x', 'notes.txt']
compile_args: --fast
sleep_if_fail: false
elastic_num_gpu: [16, 8]
)";

class project_test : public ::testing::Test {
protected:
    result<cluster::config> load(const std::string& name = {}, const std::string& below = {}) {
        cluster::load_options options;
        options.name = name;
        options.working_directory = below.empty() ? folder_.path() : folder_ / below;
        options.environment = environment_;
        return cluster::load(options);
    }
    cluster::config loaded(const std::string& name = {}, const std::string& below = {}) {
        auto c = load(name, below);
        EXPECT_TRUE(c) << c.error().describe();
        return c ? *c : cluster::config{};
    }
    /// The message and the advice of a failed load.
    std::string failure(const std::string& name = {}) {
        auto c = load(name);
        EXPECT_FALSE(c);
        if (c) return {};
        EXPECT_EQ(c.error().kind(), kind::configuration);
        return c.error().describe() + " | " + c.error().advice();
    }

    temp_folder folder_;
    std::map<std::string, std::string> environment_;
};

}  // namespace act::testing
