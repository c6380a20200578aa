#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project.hpp"

namespace act::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class cluster_yaml : public project_test {
protected:
    void cluster_file(const std::string& name, const std::string& text) {
        folder_.write("aux_data/aml/" + name + ".yaml", "platform: local\n" + text);
    }
};

TEST_F(cluster_yaml, leaves_override_the_base_and_lists_replace_whole) {
    folder_.write("aux_data/aml/common/root.yaml",
                  "env: {A: 1, B: 2}\nzip_options: [-x, a, b]\ngpu_per_node: 8\n");
    folder_.write("aux_data/aml/middle.yaml", "_base_: common/root.yaml\nenv: {B: 3}\n");
    cluster_file("x", "_base_: middle.yaml\nenv: {C: 4}\nzip_options: [-x, c]\ngpu_per_node: null\n");
    auto c = loaded("x");
    EXPECT_EQ(c.env.at("A"), "1");
    EXPECT_EQ(c.env.at("B"), "3");
    EXPECT_EQ(c.env.at("C"), "4");
    EXPECT_THAT(c.zip_options, ElementsAre("-x", "c"));
    EXPECT_EQ(c.gpu_per_node, 4);
    EXPECT_THAT(c.files, ElementsAre(folder_ / "aux_data/aml/x.yaml", folder_ / "aux_data/aml/middle.yaml",
                                     folder_ / "aux_data/aml/common/root.yaml"));
}

TEST_F(cluster_yaml, a_circle_of_bases_is_refused) {
    cluster_file("a", "_base_: b.yaml\n");
    cluster_file("b", "_base_: ../aml/a.yaml\n");
    EXPECT_THAT(failure("a"), HasSubstr("goes round in a circle"));
    cluster_file("c", "_base_: c.yaml\n");
    EXPECT_THAT(failure("c"), HasSubstr("goes round in a circle"));
}

TEST_F(cluster_yaml, a_missing_base_names_both_files) {
    cluster_file("a", "_base_: nowhere.yaml\n");
    auto text = failure("a");
    EXPECT_THAT(text, HasSubstr("a.yaml:2:9"));
    EXPECT_THAT(text, HasSubstr("aux_data/aml/nowhere.yaml does not exist"));
}

TEST_F(cluster_yaml, keys_with_dollars_are_paths) {
    folder_.write("aux_data/aml/base.yaml", "docker: {image: old, address: here}\n");
    cluster_file("x", "_base_: base.yaml\ndocker$image: new\nslurm$partition: gpu\n");
    auto c = loaded("x");
    EXPECT_EQ(c.other.at("docker.image"), "new");
    EXPECT_EQ(c.other.at("docker.address"), "here");
    EXPECT_EQ(c.other.at("slurm.partition"), "gpu");
}

TEST_F(cluster_yaml, anchors_and_merge_keys_work) {
    cluster_file("x", "env: &e {A: 1, B: 2}\nslurm:\n  <<: *e\n  partition: p\n");
    EXPECT_EQ(loaded("x").env.at("B"), "2");
}

TEST_F(cluster_yaml, objects_are_refused) {
    cluster_file("x", "env: !!python/object/apply:os.system ['true']\n");
    EXPECT_THAT(failure("x"), HasSubstr("asks for an object; only plain data is read"));
    cluster_file("x", "env: {A: !!str 5}\n");
    EXPECT_EQ(loaded("x").env.at("A"), "5");
}

TEST_F(cluster_yaml, malformed_files_name_file_line_and_column) {
    cluster_file("x", "env: {A: 1\nb: [2\n");
    auto text = failure("x");
    EXPECT_THAT(text, HasSubstr("aux_data/aml/x.yaml:"));
    EXPECT_THAT(text, HasSubstr("not valid YAML"));
    EXPECT_THAT(text, ::testing::ContainsRegex("x.yaml:[0-9]+:[0-9]+"));
    cluster_file("x", "\tenv: 1\n");
    EXPECT_THAT(failure("x"), ::testing::ContainsRegex("x.yaml:2:[0-9]+: not valid YAML"));
    folder_.write("aux_data/aml/x.yaml", "- a\n- b\n");
    EXPECT_THAT(failure("x"), HasSubstr("must hold `key: value` lines"));
}

TEST_F(cluster_yaml, a_bomb_of_aliases_is_refused_quickly) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        std::string item = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + item;
        for (int j = 0; j < 9; ++j) text += ", " + item;
        text += "]\n";
    }
    cluster_file("x", text);
    EXPECT_THAT(failure("x"), HasSubstr("too deeply nested or too large"));
    cluster_file("x", "a: " + std::string(5000, '[') + "\n");
    EXPECT_FALSE(load("x"));
    cluster_file("x", "a: &a [*a]\n");
    EXPECT_FALSE(load("x"));
}

TEST_F(cluster_yaml, a_key_that_stands_twice_is_reported_and_the_later_counts) {
    cluster_file("x", "gpu_per_node: 1\ngpu_per_node: 2\n");
    auto c = loaded("x");
    EXPECT_EQ(c.gpu_per_node, 2);
    EXPECT_THAT(c.warnings, Contains(HasSubstr("'gpu_per_node' stands twice")));
}

TEST_F(cluster_yaml, awkward_values_arrive_as_written) {
    cluster_file(
        "x", "env:\n  A: \"a: b # c\"\n  'B C': ''\n  D: |\n    two\n    lines\n  E: ~\n  \"\\u00fc\": é\n");
    auto c = loaded("x");
    EXPECT_EQ(c.env.at("A"), "a: b # c");
    EXPECT_EQ(c.env.at("B C"), "");
    EXPECT_EQ(c.env.at("D"), "two\nlines\n");
    EXPECT_EQ(c.env.count("E"), 0u);
    EXPECT_EQ(c.env.at("ü"), "é");
}

TEST_F(cluster_yaml, damaged_files_give_an_error_or_a_config_and_nothing_worse) {
    std::mt19937 random(42);
    const std::string alphabet = ":-{}[],&*!|>'\"%@`#?~$\n\t <x0\xff";
    for (int i = 0; i < 400; ++i) {
        std::string text = full_cluster;
        for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
            std::size_t at = random() % text.size();
            if (random() % 3 == 0) {
                text.erase(at, random() % 40);
            } else {
                text[at] = alphabet[random() % alphabet.size()];
            }
        }
        folder_.write("aux_data/aml/x.yaml", text);
        auto c = load("x");
        if (!c) EXPECT_THAT(c.error().message(), HasSubstr("x.yaml")) << text;
    }
}

TEST_F(cluster_yaml, an_oversized_file_is_refused) {
    cluster_file("x", "env: {A: " + std::string(2 << 20, 'a') + "}\n");
    EXPECT_FALSE(load("x"));
}

}  // namespace
}  // namespace act::testing
