#include "tool.hpp"

#include <gmock/gmock.h>

#include "tools/act/verb.hpp"

namespace act::cli {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* secret_key = "c2VjcmV0LWtleS1vZi10aGUtdGVzdHM=";
constexpr const char* secret_signature = "c2lnbmF0dXJlLW9mLXRoZS10ZXN0cw";

class help : public tool_test {};

TEST_F(help, alone_it_shows_the_verbs) {
    auto o = act({});
    EXPECT_EQ(o.code, 0);
    EXPECT_THAT(o.out, AllOf(HasSubstr("u, upload"), HasSubstr("examples:"), HasSubstr("--cluster NAME")));
    EXPECT_THAT(o.out, Not(HasSubstr("agent")));
    EXPECT_EQ(act({"--help"}).out, o.out);
}

TEST_F(help, the_version) {
    auto o = act({"--version"});
    EXPECT_EQ(o.code, 0);
    EXPECT_EQ(o.out, "act 0.1.0\n");
}

TEST_F(help, of_every_verb_has_a_sentence_use_examples_and_options_in_110_columns) {
    for (const verb* v : all_verbs()) {
        if (v->hidden) continue;
        auto o = act({std::string(v->name), "--help"});
        EXPECT_EQ(o.code, 0);
        EXPECT_THAT(o.out, StartsWith(std::string(v->sentence)));
        EXPECT_THAT(o.out,
                    AllOf(HasSubstr("\nusage: act "), HasSubstr("\nexamples:\n"), HasSubstr("--json")));
        EXPECT_EQ(act({"help", std::string(v->name)}).out, o.out);
        std::istringstream lines(o.out);
        for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
    }
}

class wrong_use : public tool_test {};

TEST_F(wrong_use, is_2_with_the_next_step) {
    auto o = act({"uplaod", "data"});
    EXPECT_EQ(o.code, 2);
    EXPECT_EQ(o.out, "");
    EXPECT_EQ(o.problems, "act: unknown verb `uplaod`\n  did you mean `upload`?\n");
    EXPECT_EQ(act({"--json"}).code, 2);
}

TEST_F(wrong_use, with_json_it_is_a_failure_line_too) {
    auto o = act({"ls", "--json", "--nope"});
    EXPECT_EQ(o.code, 2);
    EXPECT_THAT(o.out, StartsWith(R"({"type":"failure","path":"","code":"usage","status":0,)"));
    EXPECT_THAT(o.out, HasSubstr("\n{\"type\":\"summary\""));
    EXPECT_THAT(o.problems, HasSubstr("--nope"));
}

TEST_F(wrong_use, rm_without_a_terminal_needs_yes) {
    auto o = act({"rm", "data/x"});
    EXPECT_EQ(o.code, 2);
    EXPECT_THAT(o.problems, AllOf(HasSubstr("--yes"), HasSubstr("--dry-run")));
}

TEST_F(wrong_use, dropped_options_warn) {
    auto o = act({"-no-s", "config"});
    EXPECT_EQ(o.code, 0);
    EXPECT_THAT(o.problems, HasSubstr("warning: --real_submit"));
}

class configured : public tool_test {
protected:
    void SetUp() override {
        tool_test::SetUp();
        write("aux_data/aml/aml.yaml",
              "config_param:\n"
              "  data_folder: {azure_blob_config_file: aux_data/configs/a.yaml, path: p/data}\n"
              "  code_path: {azure_blob_config_file: aux_data/configs/a.yaml, path: p/code.zip}\n");
        account("account_key: " + std::string(secret_key));
    }
    void account(const std::string& credential, const std::string& endpoint = "https://acc.example.net") {
        write("aux_data/configs/a.yaml", "account_name: acc\ncontainer_name: con\nblob_endpoint: " +
                                             endpoint + "\n" + credential + "\n");
    }
};

TEST_F(configured, config_shows_values_and_origins_but_no_secrets) {
    account("account_key: " + std::string(secret_key) +
            "\nsas_token: '?sv=2021-12-02&sig=" + secret_signature + "'");
    environment_["XDG_STATE_HOME"] = folder_.at("state");
    for (bool json : {false, true}) {
        auto o = json ? act({"--json", "config"}) : act({"--memory", "1GiB", "config"});
        EXPECT_EQ(o.code, 0) << o.problems;
        EXPECT_THAT(o.out, AllOf(HasSubstr("https://acc.example.net"), HasSubstr("***"),
                                 HasSubstr("XDG_STATE_HOME")));
        EXPECT_THAT(o.out + o.problems, Not(HasSubstr(secret_key)));
        EXPECT_THAT(o.out + o.problems, Not(HasSubstr(secret_signature)));
        if (!json) EXPECT_THAT(o.out, ContainsRegex("memory +1 GiB +flag --memory"));
    }
}

TEST_F(configured, a_copy_needs_two_clusters) {
    auto o = act({"-f", "aml", "u", "data/x"});
    EXPECT_EQ(o.code, 2);
    EXPECT_THAT(o.problems, AllOf(HasSubstr("both cluster aml"), HasSubstr("-f"), HasSubstr("-c")));
    EXPECT_EQ(act({"-f", "nowhere", "u", "data/x"}).code, 3);
}

TEST_F(configured, malformed_yaml_is_3_and_names_the_place) {
    write("aux_data/aml/aml.yaml", "config_param: [\n");
    auto o = act({"ls", "data"});
    EXPECT_EQ(o.code, 3);
    EXPECT_THAT(o.problems, HasSubstr("aml.yaml"));
}

TEST_F(configured, a_cluster_that_is_not_there_is_3) {
    EXPECT_EQ(act({"-c", "nowhere", "ls", "data"}).code, 3);
}

TEST_F(configured, url_is_signed_read_only_and_without_a_request) {
    auto o = act({"url", "--expires", "7d", "data/a b.txt"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, StartsWith("https://acc.example.net/con/p/data/a%20b.txt?"));
    EXPECT_THAT(o.out,
                AllOf(HasSubstr("sp=r&"), HasSubstr("sr=b"), HasSubstr("spr=https&"), HasSubstr("sig=")));
    EXPECT_THAT(o.out, Not(HasSubstr(secret_key)));
}

TEST_F(configured, url_over_plain_http_does_not_ask_for_https) {
    account("account_key: " + std::string(secret_key), "http://127.0.0.1:1/acc");
    auto o = act({"url", "data/x"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, StartsWith("http://127.0.0.1:1/acc/con/p/data/x?"));
    EXPECT_THAT(o.out, Not(HasSubstr("spr=https&")));
}

TEST_F(configured, url_without_a_key_says_so) {
    account("sas_token: '?sv=2021-12-02&sig=" + std::string(secret_signature) + "'");
    auto o = act({"url", "data/x"});
    EXPECT_EQ(o.code, 3);
    EXPECT_THAT(o.problems, HasSubstr("account_key"));
    EXPECT_THAT(o.problems, Not(HasSubstr(secret_signature)));
}

TEST_F(configured, an_expired_sas_is_4_and_never_shown) {
    account("sas_token: '?sv=2021-12-02&ss=b&srt=co&sp=rl&se=2020-01-02T03:04:05Z&sig=" +
            std::string(secret_signature) + "'");
    auto o = act({"ls", "data"});
    EXPECT_EQ(o.code, 4);
    EXPECT_THAT(o.problems, HasSubstr("2020-01-02"));
    EXPECT_THAT(o.problems, Not(HasSubstr(secret_signature)));
}

TEST_F(configured, a_folder_that_is_not_mapped_is_2) {
    auto o = act({"ls", "dta/x"});
    EXPECT_EQ(o.code, 2);
    EXPECT_THAT(o.problems, HasSubstr("data"));
}

TEST_F(configured, no_credential_is_3) {
    account("");
    auto o = act({"ls", "data"});
    EXPECT_EQ(o.code, 3);
    EXPECT_THAT(o.problems, HasSubstr("account_key"));
}

// The built-in cluster: everything on the embedded store.
class built_in : public tool_test {
protected:
    void fill() {
        write("data/voc/a.txt", "alpha");
        write("data/voc/sub/b.txt", "beta!");
        write("data/voc2", "sibling");
    }
};

TEST_F(built_in, up_and_down_again) {
    fill();
    auto up = act({"u", "data/voc"});
    ASSERT_EQ(up.code, 0) << up.problems;
    EXPECT_THAT(up.out, StartsWith("uploaded 2 files, 10 B in "));
    auto again = act({"u", "data/voc"});
    EXPECT_THAT(again.out, HasSubstr("; 2 unchanged; 0 failed"));

    std::filesystem::remove_all(project("data"));
    auto down = act({"--json", "d", "data/voc"});
    ASSERT_EQ(down.code, 0) << down.problems;
    EXPECT_THAT(
        down.out,
        StartsWith(
            R"({"type":"summary","verb":"download","files":2,"bytes":10,"skipped":0,"failed":0,"requests":)"));
    EXPECT_EQ(read_file(project("data/voc/a.txt")), "alpha");
    EXPECT_EQ(read_file(project("data/voc/sub/b.txt")), "beta!");
}

TEST_F(built_in, works_from_a_folder_below) {
    fill();
    directory_ = project("data/voc");
    EXPECT_EQ(act({"u", "sub"}).code, 0);
    EXPECT_THAT(act({"ls", "sub"}).out, HasSubstr("data/voc/sub/b.txt\n"));
}

TEST_F(built_in, ls_shows_size_time_path_and_total) {
    fill();
    ASSERT_EQ(act({"u", "data/voc", "data/voc2"}).code, 0);
    auto o = act({"ls", "data/voc"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, ContainsRegex("       5 B  20[0-9-]+ [0-9:]+  data/voc/a.txt\n"));
    EXPECT_THAT(o.out, HasSubstr("\n2 blobs, 10 B\n"));
    EXPECT_THAT(o.out, Not(HasSubstr("voc2")));
    EXPECT_THAT(act({"ls", "--prefix", "data/voc"}).out, HasSubstr("voc2"));
    auto json = act({"ls", "--json", "data/voc"});
    EXPECT_THAT(
        json.out,
        StartsWith(
            R"({"type":"blob","name":"data/voc/a.txt","path":"data/voc/a.txt","size":5,"modified":"20)"));
    EXPECT_THAT(json.out, HasSubstr("\n{\"type\":\"summary\",\"verb\":\"ls\",\"files\":2,\"bytes\":10,"));
}

TEST_F(built_in, ls_folds_sorts_and_shows_more) {
    write("data/t/big.bin", std::string(3000, 'x'));
    write("data/t/a/1", "1");
    write("data/t/a/2", "22");
    write("data/t/small", "s");
    ASSERT_EQ(act({"u", "data/t"}).code, 0);
    auto o = act({"ls", "--one-level", "--bytes", "data/t"});
    EXPECT_THAT(o.out, ContainsRegex("^ +data/t/a/\n +3000  [0-9: -]+  data/t/big.bin\n"));
    EXPECT_THAT(o.out, HasSubstr("\n2 blobs, 3001, 1 folder\n"));
    EXPECT_THAT(act({"ls", "--delimiter", "ll", "data/t"}).out, HasSubstr("data/t/small\n3 blobs"));

    auto paths = [&](std::vector<std::string> how) {
        how.insert(how.begin(), {"ls", "--json", "data/t"});
        std::string out;
        std::istringstream lines(act(how).out);
        for (std::string line; std::getline(lines, line);) {
            const auto at = line.find("\"path\":\"data/t/");
            if (at != line.npos) out += line.substr(at + 15, line.find('"', at + 15) - at - 15) + ' ';
        }
        return out;
    };
    EXPECT_EQ(paths({}), "a/1 a/2 big.bin small ");
    EXPECT_EQ(paths({"--sort", "size"}), "big.bin a/2 a/1 small ");
    EXPECT_EQ(paths({"--sort", "name", "--reverse"}), "small big.bin a/2 a/1 ");
    EXPECT_EQ(act({"ls", "--sort", "colour", "data/t"}).code, 2);

    EXPECT_THAT(act({"ls", "--long", "data/t"}).out,
                ContainsRegex("block   Hot      [0-9A-Za-z+/=]+ +data/t/a/1\n"));
    EXPECT_THAT(act({"ls", "--long", "--json", "data/t"}).out,
                HasSubstr(R"("blob_type":"block","tier":"Hot","md5":")"));
    EXPECT_THAT(act({"ls", "--snapshots", "data/t"}).out, HasSubstr("\n4 blobs, "));
    EXPECT_THAT(act({"ls", "--snapshots", "data/t/small"}).out, HasSubstr("data/t/small\n1 blob, 1 B\n"));
    auto wrong = act({"ls", "--snapshots", "--one-level", "data/t"});
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.problems, HasSubstr("leave out --one-level"));
}

TEST_F(built_in, du_adds_up_folders) {
    write("data/t/a/1", "1");
    write("data/t/a/b/2", "22");
    write("data/t/a-b", "333");
    write("data/t/c/3", "4444");
    ASSERT_EQ(act({"u", "data/t"}).code, 0);
    EXPECT_EQ(act({"du", "data/t"}).out,
              "       3 B            2  data/t/a/\n"
              "       4 B            1  data/t/c/\n"
              "      10 B            4  data/t\n");
    EXPECT_EQ(act({"du", "--depth", "0", "--bytes", "data/t", "data/t/c/3"}).out,
              "        10            4  data/t\n"
              "         4            1  data/t/c/3\n"
              "        14            5  total\n");
    EXPECT_THAT(act({"du", "--depth", "2", "--json", "data/t"}).out,
                StartsWith("{\"type\":\"folder\",\"path\":\"data/t/a/b/\",\"files\":1,\"bytes\":2}\n"
                           "{\"type\":\"folder\",\"path\":\"data/t/a/\",\"files\":2,\"bytes\":3}\n"));
    EXPECT_EQ(act({"du", "data/nothing"}).code, 5);
}

TEST_F(built_in, tree_is_indented) {
    write("data/t/a/1", "1");
    write("data/t/a/b/2", "22");
    write("data/t/z", "333");
    ASSERT_EQ(act({"u", "data/t"}).code, 0);
    EXPECT_EQ(act({"tree", "data/t"}).out,
              "data/t\n"
              "  a/\n"
              "    1  1 B\n"
              "    b/\n"
              "      2  2 B\n"
              "  z  3 B\n"
              "2 folders, 3 blobs, 6 B\n");
    EXPECT_EQ(act({"tree", "--depth", "1", "data/t"}).out,
              "data/t\n"
              "  a/  2 blobs, 3 B\n"
              "  z  3 B\n"
              "1 folder, 3 blobs, 6 B\n");
    EXPECT_THAT(act({"tree", "--depth", "1", "--json", "data/t"}).out,
                StartsWith(R"({"type":"folder","path":"data/t/a/","level":1,"files":2,"bytes":3})"));
}

TEST_F(built_in, what_is_missing_is_5) {
    fill();
    EXPECT_EQ(act({"u", "data/nothing"}).code, 5);
    ASSERT_EQ(act({"u", "data/voc"}).code, 0);
    auto o = act({"d", "data/nothing"});
    EXPECT_EQ(o.code, 5);
    EXPECT_THAT(o.problems, HasSubstr("data/nothing"));
    EXPECT_EQ(act({"ls", "data/nothing"}).code, 5);
    // One of two is "some failed".
    EXPECT_EQ(act({"d", "data/nothing", "data/voc"}).code, 1);
}

TEST_F(built_in, rm_asks_on_a_terminal) {
    fill();
    ASSERT_EQ(act({"u", "data/voc", "data/voc2"}).code, 0);
    terminal_ = true;
    input_ = "n\n";
    auto no = act({"rm", "data/voc"});
    EXPECT_EQ(no.code, 0);
    EXPECT_THAT(no.problems, HasSubstr("remove 2 blobs (10 B) at data/voc"));
    EXPECT_THAT(act({"ls", "data/voc"}).out, HasSubstr("2 blobs"));
    input_ = "y\n";
    auto yes = act({"rm", "data/voc"});
    EXPECT_EQ(yes.code, 0) << yes.problems;
    EXPECT_THAT(yes.out, StartsWith("removed 2 blobs, 10 B in "));
    EXPECT_EQ(act({"ls", "data/voc"}).code, 5);
    EXPECT_THAT(act({"ls", "data/voc2"}).out, HasSubstr("1 blob, 7 B"));
}

TEST_F(built_in, dry_runs_change_nothing) {
    fill();
    auto up = act({"u", "--dry-run", "data/voc2"});
    ASSERT_EQ(act({"u", "data/voc"}).code, 0);
    EXPECT_EQ(act({"ls", "data/voc2"}).code, 5);
    auto rm = act({"rm", "--dry-run", "data/voc"});
    EXPECT_EQ(rm.code, 0) << rm.problems;
    EXPECT_THAT(rm.out, AllOf(HasSubstr("would remove data/voc/a.txt (5 B)\n"),
                              HasSubstr("would have removed 2 blobs, 10 B")));
    EXPECT_THAT(act({"ls", "data/voc"}).out, HasSubstr("2 blobs"));
}

TEST_F(built_in, a_stop_is_130) {
    fill();
    std::istringstream in;
    std::ostringstream out, problems;
    world w{.arguments = {"u", "data/voc"},
            .in = in,
            .out = out,
            .problems = problems,
            .environment = environment_,
            .working_directory = directory_};
    w.stop.request();
    EXPECT_EQ(run(w), 130);
    EXPECT_THAT(problems.str(), HasSubstr("act: interrupted\n"));
}

TEST_F(built_in, a_reader_that_left_is_not_an_error) {
    fill();
    ASSERT_EQ(act({"u", "data/voc"}).code, 0);
    std::istringstream in;
    std::ostringstream out, problems;
    out.setstate(std::ios::badbit);
    world w{.arguments = {"ls", "data/voc"},
            .in = in,
            .out = out,
            .problems = problems,
            .environment = environment_,
            .working_directory = directory_};
    EXPECT_EQ(run(w), 0);
    EXPECT_THAT(problems.str(), IsEmpty());
}

TEST_F(built_in, runs_begin_empty) {
    auto o = act({"q"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.problems, HasSubstr("act submit"));
    EXPECT_EQ(act({"q", "nosuchrun"}).code, 5);
}

TEST_F(built_in, submit_before_init_says_so) {
    auto o = act({"submit", "true"});
    EXPECT_EQ(o.code, 5);
    EXPECT_THAT(o.problems, HasSubstr("act init"));
}

TEST_F(built_in, init_packs_the_code) {
    write("count.py", "print(1)");
    auto o = act({"init", "--json"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, HasSubstr(R"("type":"archive","hash":")"));
    auto plan = act({"submit", "--dry-run", "python3", "count.py", "--json"});
    EXPECT_EQ(plan.code, 0) << plan.problems;
    EXPECT_THAT(plan.out, AllOf(StartsWith("would submit to local"), HasSubstr("python3 count.py --json")));
}

}  // namespace
}  // namespace act::cli
