#include "submit/stage/secrets.hpp"

#include <gtest/gtest.h>

namespace act::stage {
namespace {

bool holds_secret(const std::string& text) { return !secret_content(codec::as_bytes(text)).empty(); }

TEST(stage_secrets, names) {
    for (const char* name : {"aux_data/configs/x.yaml", "a/id_rsa", "id_ed25519", ".env", "x/.env",
                             ".env.production", "cert.pem", "a/b.pfx", ".netrc", ".git-credentials"}) {
        EXPECT_FALSE(secret_name(name).empty()) << name;
    }
    for (const char* name : {"aux_data/aml/eu.yaml", "id_rsa.pub", ".env.example", "environment.py",
                             "a.pem.txt", "configs/x.yaml", "x/aux_data/configs.py"}) {
        EXPECT_TRUE(secret_name(name).empty()) << name;
    }
}

TEST(stage_secrets, contents) {
    // Made up; assembled so that this file itself holds none.
    const std::string key = std::string(86, 'k') + "==", signature = std::string(43, 's') + "%3D";
    EXPECT_TRUE(holds_secret("x;AccountKey=" + key + ";y"));
    EXPECT_TRUE(holds_secret("account_key: " + key + "\n"));
    EXPECT_TRUE(holds_secret("account_key: \"" + key + "\""));
    EXPECT_TRUE(holds_secret("{\"account_key\": \"" + key + "\"}"));
    EXPECT_TRUE(holds_secret("sas_token: ?sv=2020&sp=r&sig=" + signature));
    EXPECT_TRUE(holds_secret("-----BEGIN RSA PRIVATE KEY-----\n" + key));
    EXPECT_FALSE(holds_secret(""));
    EXPECT_FALSE(holds_secret("AccountKey={};"));
    EXPECT_FALSE(holds_secret("account_key: null"));
    EXPECT_FALSE(holds_secret("account_key: env:MY_KEY"));
    EXPECT_FALSE(holds_secret("sig=short&x=y"));
    EXPECT_FALSE(holds_secret("if ends with 'PRIVATE KEY-----'"));
    EXPECT_TRUE(holds_secret("AccountKey=;AccountKey=" + key));
    EXPECT_TRUE(holds_secret("=AccountKey=" + key));
    EXPECT_TRUE(holds_secret("SharedAccessSignature=" + key));
    EXPECT_TRUE(holds_secret("sig=x sig=" + signature));
    EXPECT_TRUE(holds_secret("account_key = x; account_key = '" + key + "'"));
    for (const char* part : {"=", "==", "AccountKey=", "xAccountKey", "sig=", "account_key"}) {
        EXPECT_FALSE(holds_secret(part)) << part;
    }
}

TEST(stage_secrets, the_emulators_public_key_is_none) {
    EXPECT_FALSE(
        holds_secret("AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
                     "KBHBeksoGMGw=="));
}

TEST(secrets, a_cluster_file_with_a_password_stays_here) {
    auto holds = [](const std::string& text, const char* name = "aux_data/aml/eu.yaml") {
        return !secret_setting(name, codec::as_bytes(text)).empty();
    };
    EXPECT_TRUE(holds("docker:\n    image: a/b:1\n    password: s3cret\n"));
    EXPECT_TRUE(holds("docker: {image: a, password: 's3cret'}\n"));
    EXPECT_TRUE(holds("env:\n  HF_TOKEN: \"abc\"\n"));
    EXPECT_TRUE(holds("env:\r\n  'HF_TOKEN' : abc\r\n"));
    EXPECT_TRUE(holds("docker:\n    password:\n        s3cret\n    image: x\n"));
    EXPECT_TRUE(holds("password: '#1'\n"));
    EXPECT_TRUE(holds("password: \",x\"\n"));
    EXPECT_TRUE(holds("docker: {password: \"}x\"}\n"));
    EXPECT_TRUE(holds("docker$password: x\n"));
    EXPECT_TRUE(holds("my_tokens: [env:A, b]\n"));
    EXPECT_TRUE(holds("password: x\npassword: env:A\n"));
    // Nobody can tell.
    EXPECT_TRUE(holds("docker: {image: 'a\n"));
    for (const char* fine : {"docker:\n    password: null\n", "docker:\n    password:\n    image: x\n",
                             "password: env:REGISTRY\n", "HF_TOKEN: file:/etc/x\n", "# password: old\n",
                             "image: host:5000/a\n", "password: ~\n", ""}) {
        EXPECT_FALSE(holds(fine)) << fine;
    }
    EXPECT_FALSE(holds("password: x\n", "src/aux_data/a.yaml"));
    // Beside the cluster files stand those that they are based on, other programs' and settings of trainings.
    EXPECT_TRUE(holds("docker: {image: a, password: s3cret}\n", "aux_data/common/docker.yml"));
    EXPECT_TRUE(holds("wandb:\n  api_key: 0123456789abcdef\n", "aux_data/wandb.yaml"));
    for (const char* fine :
         {"tokenizer: bert\n", "max_tokens: 512\n", "num_tokens: [1, 2.5e3]\n", "add_bos_token: true\n",
          "pad_token: <|end|>\n", "keypoints: some/long/path/of/them\n", "a: 'b\n", "api_key: env:WANDB\n"}) {
        EXPECT_FALSE(holds(fine, "aux_data/train.yaml")) << fine;
    }
    EXPECT_FALSE(holds("config_param:\n  tokens_folder: some/path\n"));
    EXPECT_FALSE(holds("password: x\n", "aux_data/aml/notes.txt"));
}

}  // namespace
}  // namespace act::stage
