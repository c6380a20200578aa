#include "tools/act/sweep.hpp"

#include <gmock/gmock.h>

#include "tool.hpp"

namespace act::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> texts(const std::vector<std::string>& parameters, const std::string& file = {}) {
    auto points = sweep_points(parameters, file);
    EXPECT_TRUE(points) << points.error().describe();
    std::vector<std::string> out;
    if (points) {
        for (const auto& point : *points) out.push_back(to_text(point));
    }
    return out;
}

std::string refused(const std::vector<std::string>& parameters, const std::string& file = {}) {
    auto points = sweep_points(parameters, file);
    EXPECT_FALSE(points);
    return points ? std::string() : points.error().message();
}

TEST(sweep, is_every_combination) {
    EXPECT_THAT(texts({}), ElementsAre());
    EXPECT_THAT(texts({"lr=0.1,0.01", "seed=1..3"}),
                ElementsAre("lr=0.1 seed=1", "lr=0.1 seed=2", "lr=0.1 seed=3", "lr=0.01 seed=1",
                            "lr=0.01 seed=2", "lr=0.01 seed=3"));
}

TEST(sweep, values_are_ranges_or_text) {
    EXPECT_THAT(texts({"n=0..100..25"}), ElementsAre("n=0", "n=25", "n=50", "n=75", "n=100"));
    EXPECT_THAT(texts({"n=3..1"}), ElementsAre("n=3", "n=2", "n=1"));
    EXPECT_THAT(texts({"n=10..1..-4,x,-2..-1"}), ElementsAre("n=10", "n=6", "n=2", "n=x", "n=-2", "n=-1"));
    EXPECT_THAT(texts({"config=../a.yaml,b=c,"}), ElementsAre("config=../a.yaml", "config=b=c", "config="));
    for (const char* bad : {"lr", "=1", "n=0.1..0.5", "n=1..5..0", "n=1..9..0.5", "a b=1", "n=5..1..2",
                            "lr=", "n=0..99999999999999999999"})
        EXPECT_NE(refused({bad}), "") << bad;
    EXPECT_THAT(refused({"n=1..1000000000000000000"}), HasSubstr("more than 100000 runs"));
    EXPECT_THAT(refused({"a=1..1000", "b=1..1000"}), HasSubstr("more than 100000 runs"));
    EXPECT_THAT(refused({"a-b=1", "a_b=2"}), HasSubstr("twice"));
}

TEST(sweep, a_file_of_rows_names_the_points) {
    scratch_folder folder;
    write_file(folder.at("p.csv"), "\xef\xbb\xbflr,note\r\n0.1,\"a, \"\"b\"\"\nc\"\r\n\r\n0.2,\n");
    EXPECT_THAT(texts({}, folder.at("p.csv")), ElementsAre("lr=0.1 note=a, \"b\"\nc", "lr=0.2 note="));
    EXPECT_THAT(texts({"s=1,2"}, folder.at("p.csv")).size(), 4u);
    write_file(folder.at("bad.csv"), "a,b\n1,2\n\n3\n");
    EXPECT_THAT(refused({}, folder.at("bad.csv")), HasSubstr("bad.csv:4: 1 values for 2 columns"));
    write_file(folder.at("open.csv"), "a\n\"1\n");
    EXPECT_THAT(refused({}, folder.at("open.csv")), HasSubstr("open.csv:2: a quote is not closed"));
    write_file(folder.at("none.csv"), "a\n");
    EXPECT_THAT(refused({}, folder.at("none.csv")), HasSubstr("holds no points"));
}

TEST(sweep, a_list_of_mappings_names_the_points) {
    scratch_folder folder;
    write_file(folder.at("p.yaml"), "- {lr: 0.1, name: a b}\n- lr: 1e-3\n  seed: 7\n");
    EXPECT_THAT(texts({}, folder.at("p.yaml")), ElementsAre("lr=0.1 name=a b", "lr=1e-3 seed=7"));
    write_file(folder.at("map.yaml"), "lr: 1\n");
    EXPECT_THAT(refused({}, folder.at("map.yaml")), HasSubstr("must hold a list"));
    write_file(folder.at("deep.yaml"), "- lr: [1, 2]\n");
    EXPECT_THAT(refused({}, folder.at("deep.yaml")), HasSubstr("deep.yaml:1"));
    write_file(folder.at("p.txt"), "");
    EXPECT_THAT(refused({}, folder.at("p.txt")), HasSubstr("what kind of file"));
    EXPECT_THAT(refused({}, folder.at("missing.csv")), HasSubstr("missing.csv"));
}

TEST(sweep, parameters_replace_their_names_or_are_appended) {
    sweep_point point = {{"lr", "{seed}"}, {"seed", "a b"}};
    EXPECT_THAT(command_at({"run", "--out=o/{lr}/{seed}-{lr}", "{other}", "{", ""}, point),
                ElementsAre("run", "--out=o/{seed}/a b-{seed}", "{other}", "{", ""));
    EXPECT_THAT(command_at({"run", "{lr}"}, point), ElementsAre("run", "{seed}", "--seed", "a b"));
    EXPECT_EQ(shell_line_at("run {seed} | tee {x}", point), "run 'a b' | tee {x}");
    EXPECT_EQ(sweep_variable("learning-rate.2"), "ACT_SWEEP_LEARNING_RATE_2");
}

class submit_plan : public tool_test {
protected:
    void SetUp() override {
        tool_test::SetUp();
        write("count.py", "print(1)");
        ASSERT_EQ(act({"init"}).code, 0);
    }
};

TEST_F(submit_plan, tells_all_that_would_be_sent) {
    write("aux_data/aml/here.yaml",
          "platform: local\ngpu_per_node: 0\nprocess_count_per_node: 2\nexperiment_name: first\n"
          "env: {A: cluster, MY_TOKEN: hush}\n"
          "config_param: {data_folder: {azure_blob_config_file: x, path: p, mode: upload}}\n");
    ASSERT_EQ(act({"-c", "here", "init"}).code, 0);
    environment_["FROM_HERE"] = "carried";
    auto o =
        act({"-c", "here", "-n", "4", "submit", "--dry-run", "--json", "--name", "a name", "--experiment",
             "second", "--env", "A=job", "--env", "FROM_HERE", "-hold", "run", "--name"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, AllOf(HasSubstr(R"("command":["run","--name"],"name":"a name")"),
                             HasSubstr(R"("experiment":"second","gpus":0,"nodes":2,"processes_per_node":2)"),
                             HasSubstr(R"("hold":true)"),
                             HasSubstr(R"("env":["A=job","FROM_HERE=carried","MY_TOKEN=***"])"),
                             HasSubstr(R"_("folders":["data=p (upload)"])_"), Not(HasSubstr("hush"))));
    auto text = act({"-c", "here", "-n", "4", "submit", "--dry-run", "--env", "A=job", "run"});
    EXPECT_THAT(text.out, AllOf(StartsWith("would submit to here (local): run\n"),
                                HasSubstr("2 nodes, 2 processes on each"), HasSubstr("A=job")));
    EXPECT_THAT(act({"q", "--json"}).out, Not(HasSubstr(R"("type":"run")")));
}

TEST_F(submit_plan, tells_where_logs_go) {
    auto plan = [&](const std::string& prefix, std::vector<std::string> words) {
        write("aux_data/aml/here.yaml",
              "platform: local\nstd_out_err_path_prefix: " + prefix +
                  "\nconfig_param: {output_folder: {azure_blob_config_file: x, path: p}}\n");
        EXPECT_EQ(act({"-c", "here", "init"}).code, 0);
        words.insert(words.begin(), {"-c", "here", "submit", "--dry-run"});
        return act(words);
    };
    EXPECT_THAT(plan("$AZ_BATCHAI_MOUNT_ROOT/output/logs", {"true"}).out,
                HasSubstr("  logs       output/logs/RUN\n"));
    EXPECT_THAT(plan("output/logs", {"--json", "true"}).out, HasSubstr(R"("logs":"output/logs")"));
    auto nowhere = plan("elsewhere/logs", {"true"});
    EXPECT_EQ(nowhere.code, 3);
    EXPECT_THAT(nowhere.problems, HasSubstr("std_out_err_path_prefix is 'elsewhere/logs'"));
    EXPECT_THAT(act({"submit", "--dry-run", "true"}).out, Not(HasSubstr("logs")));
}

TEST_F(submit_plan, of_a_sweep_lists_its_points) {
    auto o = act({"submit", "--dry-run", "--sweep", "lr=0.1,0.2", "python3", "x.py"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, StartsWith("would submit to local (local), lr=0.1: python3 x.py --lr 0.1\n"
                                  "would submit to local (local), lr=0.2: python3 x.py --lr 0.2\n"));
    auto line = act({"submit", "--dry-run", "--json", "--sweep", "lr=0.1", "--shell", "run {lr} | cat"});
    EXPECT_THAT(line.out,
                AllOf(HasSubstr(R"("command":["sh","-c","run 0.1 | cat"])"), HasSubstr(R"("group":"sweep-)"),
                      HasSubstr(R"("point":"lr=0.1")"), HasSubstr(R"("env":["ACT_SWEEP_LR=0.1"])")));
}

TEST_F(submit_plan, a_large_sweep_asks) {
    auto o = act({"submit", "--sweep", "n=1..1001", "true"});
    EXPECT_EQ(o.code, 2);
    EXPECT_THAT(o.problems, AllOf(HasSubstr("the sweep has 1001 runs"), HasSubstr("--yes")));
    terminal_ = true;
    input_ = "n\n";
    o = act({"submit", "--sweep", "n=1..1001", "true"});
    EXPECT_THAT(o.problems, AllOf(HasSubstr("submit 1001 runs?"), HasSubstr("nothing was submitted")));
    EXPECT_EQ(act({"submit", "--yes", "--dry-run", "--sweep", "n=1..1001", "true"}).code, 0);
}

TEST_F(submit_plan, wrong_options_are_told) {
    EXPECT_THAT(act({"submit", "--env", "NOT_SET_HERE", "true"}).problems,
                AllOf(HasSubstr("--env NOT_SET_HERE"), HasSubstr("NOT_SET_HERE=VALUE")));
    EXPECT_EQ(act({"submit", "--env", "=x", "true"}).code, 2);
    EXPECT_THAT(act({"submit", "--shell", "a | b", "c"}).problems, HasSubstr("takes the whole line"));
    EXPECT_THAT(act({"-n", "5", "submit", "true"}).problems, HasSubstr("gpu_per_node"));
    EXPECT_EQ(act({"submit", "--max-parallel", "0", "true"}).code, 2);
}

TEST_F(submit_plan, with_init_shows_no_code_that_is_not_packed) {
    // Without the summary, which tells the time that it took.
    auto plan = [&] {
        const std::string out = act({"submit", "--dry-run", "--json", "true"}).out;
        return out.substr(0, out.find('\n'));
    };
    const std::string before = plan();
    EXPECT_THAT(before, Not(HasSubstr(R"("code":"")")));
    write("count.py", "print(2)");
    EXPECT_THAT(act({"submit", "--dry-run", "--init", "--json", "true"}).out, HasSubstr(R"("code":"")"));
    EXPECT_EQ(plan(), before);
}

class submit_without_code : public tool_test {};

TEST_F(submit_without_code, offers_to_pack_it) {
    write("count.py", "print(1)");
    auto o = act({"submit", "true"});
    EXPECT_EQ(o.code, 5);
    EXPECT_THAT(o.problems, AllOf(HasSubstr("act init"), HasSubstr("--init")));
    o = act({"submit", "--dry-run", "--init", "true"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, AllOf(StartsWith("would submit"), HasSubstr("as `act init` will pack it")));
    EXPECT_THAT(o.problems, HasSubstr("would pack 1 file"));
    terminal_ = true;
    input_ = "n\n";
    o = act({"submit", "true"});
    EXPECT_EQ(o.code, 5);
    EXPECT_THAT(o.problems, HasSubstr("pack it now? [y/N]"));
}

}  // namespace
}  // namespace act::cli
