#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class cluster_account : public project_test {
protected:
    void SetUp() override { config_.root = folder_.path(), config_.name = "eu"; }
    void file(const std::string& text) { folder_.write("aux_data/configs/a.yaml", text); }
    cluster::account loaded_account(const std::string& name = "aux_data/configs/a.yaml") {
        auto a = cluster::load_account(config_, name, environment_);
        EXPECT_TRUE(a) << a.error().describe();
        return a ? *a : cluster::account{};
    }
    std::string account_failure(const std::string& name = "aux_data/configs/a.yaml") {
        auto a = cluster::load_account(config_, name, environment_);
        EXPECT_FALSE(a);
        return a ? std::string() : a.error().describe() + " | " + a.error().advice();
    }
    cluster::config config_;
};

TEST_F(cluster_account, is_read_from_the_variables_of_the_azure_tools) {
    auto named = [](std::map<std::string, std::string> env) {
        auto a = cluster::account_of_environment(env);
        EXPECT_TRUE(a);
        return a && *a ? **a : cluster::account{};
    };
    auto keyed = named({{"AZURE_STORAGE_ACCOUNT", "vig"}, {"AZURE_STORAGE_KEY", "a2V5"}});
    EXPECT_EQ(keyed.name, "vig");
    EXPECT_EQ(keyed.key.reveal(), "a2V5");
    EXPECT_THAT(keyed.source, HasSubstr("environment"));
    auto by_sas = named({{"AZURE_STORAGE_ACCOUNT", "vig"}, {"AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=x"}});
    EXPECT_EQ(by_sas.sas.reveal(), "sv=1&sig=x");
    auto connected = named({{"AZURE_STORAGE_CONNECTION_STRING",
                             "AccountName=vig;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/vig/"}});
    EXPECT_EQ(connected.blob_endpoint, "http://127.0.0.1:1/vig");
    EXPECT_EQ(connected.key.reveal(), "a2V5");
    EXPECT_EQ(named({{"AZURE_STORAGE_ACCOUNT", "vig"}}).name, "") << "no credential";
    EXPECT_EQ(named({{"AZURE_STORAGE_KEY", "a2V5"}}).name, "") << "no account";
    EXPECT_FALSE(cluster::account_of_environment({{"AZURE_STORAGE_CONNECTION_STRING", "nonsense"}}));
}

TEST_F(cluster_account, reads_acts_keys) {
    file("account_name: vig\ncontainer_name: data\nsas_token: \"?sv=2020&sp=r\"\naccount_key: a2V5\n");
    auto a = loaded_account();
    EXPECT_EQ(a.name, "vig");
    EXPECT_EQ(a.container, "data");
    EXPECT_EQ(a.sas.reveal(), "sv=2020&sp=r");
    EXPECT_EQ(a.key.reveal(), "a2V5");
    EXPECT_EQ(a.blob_endpoint, "");
    EXPECT_EQ(a.source, folder_ / "aux_data/configs/a.yaml");
}

TEST_F(cluster_account, a_sas_without_question_mark_and_nulls_are_fine) {
    file("account_name: vig\ncontainer_name: data\nsas_token: sv=1\naccount_key: null\nauth: sas\n");
    auto a = loaded_account();
    EXPECT_EQ(a.sas.reveal(), "sv=1");
    EXPECT_TRUE(a.key.empty());
    EXPECT_EQ(a.auth, cluster::account::method::sas);
}

TEST_F(cluster_account, secrets_come_from_the_environment_or_a_file) {
    folder_.write("secrets/key", "a2V5\n");
    environment_["MY_SAS"] = "?sv=1";
    file("account_name: vig\ncontainer_name: data\nsas_token: env:MY_SAS\naccount_key: file:secrets/key\n");
    auto a = loaded_account();
    EXPECT_EQ(a.key.reveal(), "a2V5");
    EXPECT_EQ(a.sas.reveal(), "sv=1");
    environment_.clear();
    EXPECT_THAT(account_failure(), HasSubstr("sas_token stands in the variable MY_SAS, which is not set"));
    environment_["MY_SAS"] = "x";
    file("account_name: vig\ncontainer_name: data\naccount_key: file:nowhere\n");
    EXPECT_THAT(redact(account_failure()), HasSubstr("account_key stands in a file: cannot open "));
    EXPECT_THAT(redact(account_failure()), HasSubstr("nowhere: No such file"));
}

TEST_F(cluster_account, connection_strings_fill_what_the_file_leaves_open) {
    file(
        "container_name: c\nconnection_string: "
        "DefaultEndpointsProtocol=https;AccountName=n;AccountKey=a2V5PT0=;EndpointSuffix=core.windows.net\n");
    auto a = loaded_account();
    EXPECT_EQ(a.name, "n");
    EXPECT_EQ(a.key.reveal(), "a2V5PT0=");
    EXPECT_EQ(a.blob_endpoint, "");
    file(
        "container_name: c\nconnection_string: "
        "AccountName=n;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn;\n");
    EXPECT_EQ(loaded_account().blob_endpoint, "https://n.blob.core.chinacloudapi.cn");
    file(
        "container_name: c\naccount_name: mine\nconnection_string: "
        "BlobEndpoint=http://127.0.0.1:1/n/;AccountName=n;SharedAccessSignature=?sv=2\n");
    a = loaded_account();
    EXPECT_EQ(a.name, "mine");
    EXPECT_EQ(a.blob_endpoint, "http://127.0.0.1:1/n");
    EXPECT_EQ(a.sas.reveal(), "sv=2");
    file("container_name: c\nconnection_string: UseDevelopmentStorage=true\n");
    a = loaded_account();
    EXPECT_EQ(a.name, "devstoreaccount1");
    EXPECT_EQ(a.blob_endpoint, "http://127.0.0.1:10000/devstoreaccount1");
    EXPECT_FALSE(a.key.empty());
    file("container_name: c\nconnection_string: nonsense-with-a-secret\n");
    EXPECT_THAT(account_failure(), HasSubstr("without '='"));
    EXPECT_THAT(account_failure(), Not(HasSubstr("nonsense")));
}

TEST_F(cluster_account, endpoints_lose_their_trailing_slash) {
    file("account_name: a\ncontainer_name: c\nblob_endpoint: http://localhost:10000/a/\n");
    EXPECT_EQ(loaded_account().blob_endpoint, "http://localhost:10000/a");
}

TEST_F(cluster_account, is_found_by_a_short_name) {
    folder_.write("aux_data/configs/vigblob_account.yaml", "account_name: vig\ncontainer_name: c\n");
    EXPECT_EQ(loaded_account("vig").name, "vig");
    EXPECT_EQ(loaded_account("vigblob_account").name, "vig");
    EXPECT_EQ(loaded_account("./aux_data/configs/vigblob_account.yaml").name, "vig");
    EXPECT_EQ(loaded_account(folder_ / "aux_data/configs/vigblob_account.yaml").name, "vig");
    EXPECT_THAT(account_failure("other"), HasSubstr("does not exist"));
}

TEST_F(cluster_account, missing_and_misspelt_keys_are_named) {
    file("acount_name: a\ncontainer_name: c\n");
    EXPECT_THAT(account_failure(), HasSubstr("the key 'account_name' is missing"));
    EXPECT_THAT(account_failure(), HasSubstr("did you mean 'account_name'?"));
    file("account_name: a\n");
    EXPECT_THAT(account_failure(), HasSubstr("the key 'container_name' is missing"));
    file("account_name: a\ncontainer_name: c\nsas: x\n");
    EXPECT_THAT(loaded_account().warnings, ElementsAre(HasSubstr("did you mean 'sas_token'?")));
    file("account_name: [a]\ncontainer_name: c\n");
    EXPECT_THAT(account_failure(), HasSubstr("account_name must be text, not a list"));
    file("account_name: a\ncontainer_name: c\nauth: magic\n");
    EXPECT_THAT(account_failure(), HasSubstr("auth must be one of key, sas"));
}

TEST_F(cluster_account, may_have_a_base) {
    folder_.write("aux_data/configs/common.yaml", "account_name: a\naccount_key: a2V5\n");
    file("_base_: common.yaml\ncontainer_name: c2\n");
    auto a = loaded_account();
    EXPECT_EQ(a.name, "a");
    EXPECT_EQ(a.container, "c2");
}

}  // namespace
}  // namespace act::testing
