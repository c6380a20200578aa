// cp and the ends of copies: which forms there are, and what is done with them.

#include "streams.hpp"

namespace act::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* signature = "c2lnbmF0dXJlLW9mLXRoZS10ZXN0cw";
constexpr const char* secret_key = "c2VjcmV0LWtleS1vZi10aGUtdGVzdHM=";

class locations : public streams_test {};

TEST_F(locations, a_word_is_told_by_its_form) {
    using type = location::type;
    EXPECT_EQ(parsed("-").what, type::stream);
    EXPECT_EQ(parsed("./x").what, type::local);
    EXPECT_EQ(parsed("/abs/x").what, type::local);
    EXPECT_EQ(parsed("x").what, type::local);
    EXPECT_EQ(parsed("x", plain::stored).what, type::stored);
    auto eu = parsed("eu-2.x:data/a:b");
    EXPECT_EQ(eu.what, type::stored);
    EXPECT_EQ(eu.cluster, "eu-2.x");
    EXPECT_EQ(eu.path, "data/a:b");
    EXPECT_EQ(parsed("local:data").cluster, "local");
    EXPECT_EQ(parsed("HTTPS://acc.blob.core.windows.net/con").what, type::url);
    EXPECT_EQ(parsed("http:x").cluster, "http");
}

TEST_F(locations, a_colon_is_not_always_a_cluster) {
    using type = location::type;
    EXPECT_EQ(parsed("./eu:x").what, type::local);
    EXPECT_EQ(parsed("a/eu:x").what, type::local);
    EXPECT_EQ(parsed(":x").what, type::local);
    EXPECT_EQ(parsed("odd name: x").what, type::local);
    write("eu:there", "");
    EXPECT_EQ(parsed("eu:there").what, type::local);
    EXPECT_EQ(parsed("eu:elsewhere").what, type::stored);
}

TEST_F(locations, folders_are_told_by_their_end) {
    for (const char* word : {"x/", ".", "..", "x/.", "./", "eu:data/", "eu:", "https://a.b.c/con/x/"})
        EXPECT_TRUE(parsed(word).folder) << word;
    for (const char* word : {"x", "x/..y", "eu:data", "https://a.b.c/con/x", "-", "x."})
        EXPECT_FALSE(parsed(word).folder) << word;
}

TEST_F(locations, a_sas_is_kept_apart) {
    const std::string url = "https://acc.blob.core.windows.net/con/a%20b.txt";
    auto at = parsed(url + "?sv=2021-12-02&sp=r&sig=" + signature);
    EXPECT_EQ(at.text, url);
    EXPECT_EQ(at.url.query, "");
    EXPECT_THAT(at.sas.reveal(), HasSubstr(signature));
}

TEST_F(locations, what_is_wrong_with_a_url_is_said_without_its_sas) {
    const std::string sas = std::string("?sv=1&sig=") + signature;
    for (const std::string& word :
         {"https://user:" + std::string(signature) + "@acc/con/x", "https://acc/con/a b" + sas,
          "https://acc/con/x" + sas + "&snapshot=2020", "https://acc/con/x?sv=1&sp=" + std::string(signature),
          "https:///x" + sas, "https://acc/con/%zz" + sas}) {
        const error e = refused(word);
        EXPECT_EQ(exit_code(e.kind()), e.kind() == kind::unsupported ? exit_code(kind::unsupported) : 2);
        EXPECT_THAT(e.describe() + e.advice(), Not(HasSubstr(signature))) << word;
    }
    EXPECT_EQ(refused("").kind(), kind::usage);
}

class cp : public copying {};

TEST_F(cp, as_that_name_and_back) {
    fill();
    auto up = act({"cp", "voc", "local:data/copy"});
    ASSERT_EQ(up.code, 0) << up.problems;
    EXPECT_THAT(up.out, StartsWith("copied 2 files, 10 B in "));
    EXPECT_THAT(listed("data/copy"), AllOf(HasSubstr("data/copy/a.txt"), HasSubstr("data/copy/sub/b.txt")));
    auto down = act({"cp", "local:data/copy", "./back"});
    ASSERT_EQ(down.code, 0) << down.problems;
    EXPECT_EQ(read_file(project("back/sub/b.txt")), "beta!");
    EXPECT_THAT(act({"cp", "voc", "local:data/copy"}).out, HasSubstr("; 2 unchanged; 0 failed"));
}

TEST_F(cp, into_a_folder_in_both_directions) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/"}).code, 0);
    ASSERT_EQ(act({"cp", "voc/a.txt", "one", "local:data/more"}).code, 0);
    ASSERT_EQ(act({"cp", "voc/.", "local:data/inside/"}).code, 0);
    EXPECT_THAT(listed("data"), AllOf(HasSubstr("\"data/voc/a.txt\""), HasSubstr("\"data/more/a.txt\""),
                                      HasSubstr("\"data/more/one\""), HasSubstr("\"data/inside/a.txt\"")));
    directory_ = project("here");
    std::filesystem::create_directories(directory_);
    ASSERT_EQ(act({"cp", "local:../data/voc", "."}).code, 0);
    ASSERT_EQ(act({"cp", "local:../data/more/one", "local:../data/voc/a.txt", "into"}).code, 0);
    ASSERT_EQ(act({"cp", "local:../data/inside/.", "plain/"}).code, 0);
    EXPECT_EQ(read_file(project("here/voc/sub/b.txt")), "beta!");
    EXPECT_EQ(read_file(project("here/into/one")), "1");
    EXPECT_EQ(read_file(project("here/plain/a.txt")), "alpha");
}

TEST_F(cp, awkward_names) {
    const std::string name = "a b%20c+#?&ü:'x'";
    write("odd/" + name, "odd");
    ASSERT_EQ(act({"cp", "./odd/" + name, "local:data/"}).code, 0);
    ASSERT_EQ(act({"cp", "local:data/" + name, "./back"}).code, 0);
    EXPECT_EQ(read_file(project("back")), "odd");
    write("eu:x", "colon");
    ASSERT_EQ(act({"cp", "eu:x", "local:data/"}).code, 0);
    EXPECT_EQ(stream({"cat", "local:data/eu:x"}).data, "colon");
}

TEST_F(cp, a_stream_in_and_out) {
    std::string content(9'000'000, 'x');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 13);
    auto in = stream({"cp", "-", "local:data/s"}, content);
    ASSERT_EQ(in.code, 0) << in.problems;
    EXPECT_THAT(in.out, StartsWith("copied 1 file, 8.58 MiB in "));
    auto out = stream({"cp", "--json", "local:data/s", "-"});
    ASSERT_EQ(out.code, 0) << out.problems;
    EXPECT_TRUE(out.data == content);
    EXPECT_EQ(out.out, "") << "standard output is for the bytes";
    EXPECT_THAT(out.problems,
                HasSubstr("\"type\":\"summary\",\"verb\":\"cp\",\"files\":1,\"bytes\":9000000"));
}

TEST_F(cp, from_store_to_store) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    auto o = act({"cp", "local:data/voc", "local:other/"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, AllOf(StartsWith("copied 2 files, 10 B"), HasSubstr("2 server side")));
    EXPECT_EQ(stream({"cat", "local:other/voc/sub/b.txt"}).data, "beta!");
    EXPECT_EQ(act({"cp", "local:data/voc", "local:data/voc/sub"}).code, 2) << "a place within the other";
}

TEST_F(cp, what_is_stored_is_listed_and_removed_by_the_same_names) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    for (const char* verb : {"ls", "tree", "du"}) {
        auto o = act({verb, "--json", "local:data/voc"});
        EXPECT_EQ(o.code, 0) << o.problems;
        EXPECT_THAT(o.out, HasSubstr("\"path\":\"local:data/voc")) << verb;
        EXPECT_EQ(act({verb, "-"}).code, 2);
    }
    EXPECT_THAT(act({"ls", "local:data/voc"}).out, HasSubstr("  local:data/voc/sub/b.txt\n"));
    auto gone = act({"rm", "--yes", "local:data/voc/sub"});
    EXPECT_EQ(gone.code, 0) << gone.problems;
    EXPECT_THAT(act({"ls", "local:data/voc"}).out, Not(HasSubstr("b.txt")));
}

TEST_F(cp, a_dry_run_reads_nothing_and_writes_nothing) {
    fill();
    auto tree = act({"cp", "--dry-run", "voc", "local:data/x"});
    EXPECT_EQ(tree.code, 0) << tree.problems;
    EXPECT_THAT(tree.out, HasSubstr("would have copied 2 files, 10 B"));
    auto in = stream({"cp", "--dry-run", "-", "local:data/s"}, "text");
    EXPECT_EQ(in.code, 0) << in.problems;
    EXPECT_THAT(in.out, HasSubstr("would upload local:data/s"));
    EXPECT_EQ(act({"ls", "data"}).code, 5);
}

TEST_F(cp, wrong_ends_are_2) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    const std::vector<std::vector<std::string>> wrong = {
        {"voc"},
        {"voc", "other"},
        {"-", "other"},
        {"one", "-"},
        {"-", "local:data/"},
        {"-", "-"},
        {"local:data/voc", "local:data/voc/a.txt", "-"},
        {"voc/a.txt", "voc/../voc/a.txt", "local:data/"},
        {"voc", ""},
        {"voc", "local:/etc/x"},
        {"one", "local:"},
        {"voc", "http://127.0.0.1:1/devstoreaccount1"},
        {"voc", "http://127.0.0.1:1/devstoreaccount1/Bad_Name/x"},
    };
    for (auto words : wrong) {
        words.insert(words.begin(), "cp");
        auto o = stream(words);
        if (words.back() == "local:") {
            EXPECT_EQ(o.code, 0) << "the whole container is a folder";
            continue;
        }
        EXPECT_EQ(o.code, 2) << testing::PrintToString(words) << o.problems;
        EXPECT_EQ(o.data, "");
    }
    EXPECT_EQ(act({"cp", "nowhere:data/x", "y"}).code, 3);
    EXPECT_EQ(act({"cp", "nothing", "local:data/y"}).code, 5);
    EXPECT_EQ(act({"cp", "local:data/nothing", "y"}).code, 5);
}

TEST_F(cp, a_file_over_a_folder_stays_out) {
    fill();
    ASSERT_EQ(act({"cp", "one", "local:data/one"}).code, 0);
    auto o = act({"cp", "local:data/one", "voc"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(read_file(project("voc/a.txt")), "alpha");
}

TEST_F(cp, a_sas_is_never_shown) {
    const std::string url = "http://127.0.0.1:1/devstoreaccount1/con/x?sv=2021-12-02&sp=rw&sig=";
    fill();
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"cp", "one", url + signature},
                                               {"cp", "one", "voc", url + signature},
                                               {"cat", url + signature},
                                               {"ls", url + signature},
                                               {"mv", url + signature, "y"},
                                               {"set", "--tier", "Hot", url + signature},
                                               {"mkcontainer", url + signature},
                                               {"cp", url + signature, url + signature},
                                               {"cp", url + signature + "&snapshot=1", "y"}}) {
        for (const bool json : {false, true}) {
            auto all = words;
            all.insert(all.begin(), {"--log-level", "error"});
            if (json) all.insert(all.begin(), "--json");
            std::istringstream in;
            std::ostringstream out, problems;
            world w{.arguments = all,
                    .in = in,
                    .out = out,
                    .problems = problems,
                    .environment = environment_,
                    .working_directory = directory_};
            // Nobody answers at port 1, and nobody is asked: what is looked at is what is said.
            w.stop.request();
            EXPECT_NE(run(w), 0) << testing::PrintToString(words);
            EXPECT_THAT(out.str() + problems.str(), Not(HasSubstr(signature)));
        }
    }
}

class accounts_of_urls : public streams_test {};

TEST_F(accounts_of_urls, without_a_credential_it_is_3) {
    for (const char* verb : {"cat", "mkcontainer"}) {
        auto o =
            stream({verb, "https://acc.blob.core.windows.net/con" + std::string(verb[0] == 'c' ? "/x" : "")});
        EXPECT_EQ(o.code, 3) << o.problems;
        EXPECT_THAT(o.problems, AllOf(HasSubstr("acc"), HasSubstr("SAS"), HasSubstr("aux_data/configs")));
    }
}

TEST_F(accounts_of_urls, an_account_file_of_the_same_endpoint_is_used) {
    write("aux_data/configs/some.yaml",
          "account_name: acc\ncontainer_name: con\nblob_endpoint: http://127.0.0.1:1/acc\n"
          "account_key: " +
              std::string(secret_key) + "\n");
    write("aux_data/configs/unrelated.yaml", "something: else\n");
    write("one", "1");
    // The address leads nowhere: it is enough that the credential was found.
    auto dry = act({"mkcontainer", "--dry-run", "http://127.0.0.1:1/acc/other"});
    EXPECT_EQ(dry.code, 0) << dry.problems;
    EXPECT_THAT(dry.out, HasSubstr("would make http://127.0.0.1:1/acc/other"));
    EXPECT_EQ(act({"mkcontainer", "--dry-run", "http://127.0.0.1:2/acc/other"}).code, 3);
    EXPECT_EQ(act({"mkcontainer", "--dry-run", "http://127.0.0.1:1/account/other"}).code, 3);
    EXPECT_EQ(act({"mkcontainer", "--dry-run", "https://127.0.0.1:1/acc/other"}).code, 3);
}

TEST_F(accounts_of_urls, the_environments_is_used_for_its_own_endpoint_only) {
    environment_["AZURE_STORAGE_ACCOUNT"] = "acc";
    environment_["AZURE_STORAGE_KEY"] = secret_key;
    EXPECT_EQ(act({"mkcontainer", "--dry-run", "https://acc.blob.core.windows.net/con"}).code, 0);
    EXPECT_EQ(act({"mkcontainer", "--dry-run", "https://other.blob.core.windows.net/con"}).code, 3);
    environment_["AZURE_STORAGE_CONNECTION_STRING"] = "nonsense";
    auto o = act({"mkcontainer", "--dry-run", "https://acc.blob.core.windows.net/con"});
    EXPECT_EQ(o.code, 3);
    EXPECT_THAT(o.problems, HasSubstr("AZURE_STORAGE_CONNECTION_STRING"));
}

TEST_F(accounts_of_urls, the_emulators_account_needs_no_file) {
    auto o = act({"mkcontainer", "--dry-run", "http://127.0.0.1:10000/devstoreaccount1/con"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_EQ(act({"mkcontainer", "--dry-run", "http://127.0.0.1:10000/devstoreaccount1/con/x"}).code, 2);
}

}  // namespace
}  // namespace act::cli
