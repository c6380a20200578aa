// cat, mkcontainer, set, mv: what they do with what is stored.

#include "streams.hpp"

namespace act::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class cat : public copying {};

TEST_F(cat, one_after_another) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    auto o = stream({"cat", "data/voc/a.txt", "local:data/voc/sub/b.txt"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_EQ(o.data, "alphabeta!");
    EXPECT_EQ(o.out + o.problems, "");
    EXPECT_EQ(stream({"cat", "--offset", "1", "--count=3", "data/voc/a.txt"}).data, "lph");
    auto json = stream({"cat", "--json", "data/voc/a.txt"});
    EXPECT_EQ(json.data, "alpha");
    EXPECT_THAT(json.problems, HasSubstr("\"verb\":\"cat\",\"files\":1,\"bytes\":5,"));
}

TEST_F(cat, the_items_of_a_list_in_its_order) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    const std::string list =
        "sub/b.txt\n{\"name\":\"a.txt\",\"size\":5}\n{\"name\":\"sub\",\"folder\":true}\nsub/b.txt\n";
    auto o = stream({"cat", "--from-list", "-", "data/voc"}, list);
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_EQ(o.data, "beta!alphabeta!");
    // It ends at the first line that cannot be had as it says.
    for (const char* wrong : {"nothing", "../x", "{\"name\":\"a.txt\",\"size\":6}",
                              "{\"name\":\"a.txt\",\"etag\":\"\\\"0x1\\\"\"}"}) {
        auto ended =
            stream({"cat", "--from-list", "-", "data/voc"}, "a.txt\n" + std::string(wrong) + "\na.txt\n");
        EXPECT_EQ(ended.code, 1) << wrong;
        EXPECT_EQ(ended.data, "alpha") << wrong << ended.problems;
    }
    EXPECT_EQ(stream({"cat", "--from-list", "-", "data/voc", "data/other"}).code, 2);
    EXPECT_EQ(stream({"cat", "--null", "data/voc/a.txt"}).code, 2);
}

TEST_F(cat, ends_at_the_first_that_is_missing) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    auto o = stream({"cat", "data/voc/a.txt", "data/nothing", "data/voc/sub/b.txt"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.data, "alpha");
    EXPECT_EQ(stream({"cat", "data/nothing"}).code, 5);
    EXPECT_EQ(stream({"cat", "data/voc"}).code, 5);
    EXPECT_EQ(stream({"cat", "-"}).code, 2);
    EXPECT_EQ(stream({"cat", "--count", "0", "data/voc/a.txt"}).code, 2);
    EXPECT_EQ(stream({"cat", "--offset", "5", "data/voc/a.txt"}).code, 2);
    // A wrong word behind a good one is noticed before anything comes out.
    auto wrong = stream({"cat", "data/voc/a.txt", "nowhere:x"});
    EXPECT_EQ(wrong.code, 3);
    EXPECT_EQ(wrong.data, "");
}

class mkcontainer : public streams_test {};

TEST_F(mkcontainer, once_and_again) {
    auto first = act({"mkcontainer", "local:", "results"});
    EXPECT_EQ(first.code, 0) << first.problems;
    EXPECT_THAT(first.out, AllOf(HasSubstr("made http://"), HasSubstr("/devstoreaccount1/results\n")));
    auto again = act({"mkcontainer", "--json", "results"});
    EXPECT_EQ(again.code, 0) << again.problems;
    EXPECT_THAT(again.out,
                AllOf(HasSubstr("\"made\":false"), HasSubstr("\"files\":0,\"bytes\":0,\"skipped\":1")));
    EXPECT_EQ(act({"mkcontainer", "Bad_Name"}).code, 2);
    EXPECT_EQ(act({"mkcontainer", "nowhere:"}).code, 3);
    EXPECT_EQ(act({"mkcontainer"}).code, 2);
}

class set_verb_test : public copying {
protected:
    void SetUp() override {
        copying::SetUp();
        fill();
        ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    }
};

TEST_F(set_verb_test, changes_what_is_named_and_nothing_twice) {
    const std::vector<std::string> words = {
        "set",   "--tier",     "cool", "--metadata", "Owner=me", "--header", "Content-Type=text/plain",
        "--tag", "project=voc"};
    auto dry = words;
    dry.insert(dry.end(), {"--dry-run", "data/voc"});
    auto planned = act(dry);
    EXPECT_EQ(planned.code, 0) << planned.problems;
    EXPECT_THAT(planned.out,
                AllOf(HasSubstr("would set data/voc/a.txt"), HasSubstr("would have set 2 blobs")));
    auto all = words;
    all.push_back("data/voc");
    auto first = act(all);
    EXPECT_EQ(first.code, 0) << first.problems;
    EXPECT_THAT(first.out, StartsWith("set 2 blobs"));
    EXPECT_THAT(act(all).out, HasSubstr("2 unchanged; 0 failed"));
    all.back() = "local:data/voc/a.txt";
    EXPECT_THAT(act(all).out, HasSubstr("1 unchanged; 0 failed"));
    // What was there is there still: the recorded time makes an upload unnecessary.
    EXPECT_THAT(act({"cp", "voc", "local:data/voc"}).out, HasSubstr("; 2 unchanged; 0 failed"));
    EXPECT_THAT(act({"set", "--metadata", "owner=", "data/voc/a.txt"}).out, StartsWith("set 1 blob"));
    EXPECT_THAT(act({"set", "--metadata", "owner=", "data/voc"}).out, HasSubstr("; 1 unchanged"));
}

TEST_F(set_verb_test, changes_just_what_a_list_names) {
    auto o = stream({"set", "--metadata", "owner=me", "--tag", "k=v", "--from-list", "-", "data/voc"},
                    "a.txt\n{\"name\":\"nothing\"}\n{\"name\":\"sub/b.txt\",\"size\":77}\n");
    EXPECT_EQ(o.code, 1);
    EXPECT_THAT(o.out, HasSubstr("set 1 blob"));
    EXPECT_THAT(o.out, HasSubstr("2 failed"));
    EXPECT_THAT(o.problems, AllOf(HasSubstr("no blob"), HasSubstr("the list says 77")));
    EXPECT_THAT(stream({"set", "--metadata", "owner=me", "--tag", "k=v", "data/voc"}).out,
                AllOf(HasSubstr("set 1 blob"), HasSubstr("; 1 unchanged")));
    EXPECT_EQ(stream({"set", "--metadata", "a=b", "--from-list", "-", "data/voc", "data/x"}).code, 2);
}

TEST_F(set_verb_test, wrong_input) {
    const std::vector<std::vector<std::string>> wrong = {
        {"data/voc"},
        {"--tier", "Lukewarm", "data/voc"},
        {"--metadata", "no-value", "data/voc"},
        {"--metadata", "a-b=1", "data/voc"},
        {"--header", "x-unknown=1", "data/voc"},
        {"--header", "content-type=", "data/voc"},
        {"--header", "cache-control=a\nb", "data/voc"},
        {"--tag", "bad!=1", "data/voc"},
        {"--tag", "=1", "data/voc"},
        {"--tier", "Hot", "-"},
        {"--tier", "Hot"},
    };
    for (auto words : wrong) {
        words.insert(words.begin(), "set");
        EXPECT_EQ(act(words).code, 2) << testing::PrintToString(words);
    }
    EXPECT_EQ(act({"set", "--tier", "Hot", "data/nothing"}).code, 5);
}

class mv : public copying {};

TEST_F(mv, up_and_down_leaves_one_copy) {
    fill();
    write("voc/empty/.keep", "");
    std::filesystem::remove(project("voc/empty/.keep"));
    auto up = act({"mv", "voc", "local:data/voc"});
    ASSERT_EQ(up.code, 0) << up.problems;
    EXPECT_FALSE(std::filesystem::exists(project("voc")));
    EXPECT_THAT(listed("data/voc"), HasSubstr("data/voc/sub/b.txt"));
    auto down = act({"mv", "local:data/voc", "back"});
    ASSERT_EQ(down.code, 0) << down.problems;
    EXPECT_EQ(read_file(project("back/sub/b.txt")), "beta!");
    EXPECT_TRUE(std::filesystem::is_directory(project("back/empty")));
    EXPECT_EQ(act({"ls", "data/voc"}).code, 5) << act({"ls", "data/voc"}).out;
}

TEST_F(mv, a_large_file_too_and_what_is_there_already_by_content) {
    write("big", std::string(9'000'000, 'b'));
    write("small", "s");
    ASSERT_EQ(act({"cp", "big", "small", "local:data/x/"}).code, 0);
    auto o = act({"--json", "mv", "big", "small", "local:data/x/"});
    ASSERT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, HasSubstr("\"skipped\":2"));
    EXPECT_FALSE(std::filesystem::exists(project("big")));
    EXPECT_FALSE(std::filesystem::exists(project("small")));
    ASSERT_EQ(act({"mv", "local:data/x/big", "local:data/x/small", "./"}).code, 0);
    EXPECT_EQ(read_file(project("big")).size(), 9'000'000u);
    EXPECT_EQ(act({"ls", "data/x"}).code, 5);
}

TEST_F(mv, from_store_to_store) {
    fill();
    write("voc/big", std::string(9'000'000, 'b'));
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    auto dry = act({"mv", "--dry-run", "local:data/voc", "local:other/voc"});
    EXPECT_EQ(dry.code, 0) << dry.problems;
    EXPECT_EQ(act({"ls", "other"}).code, 5);
    ASSERT_EQ(act({"cp", "local:data/voc/a.txt", "local:other/voc/a.txt"}).code, 0);
    auto o = act({"mv", "local:data/voc", "local:other/voc"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, StartsWith("moved 2 files, "));
    EXPECT_THAT(o.out, HasSubstr("; 1 unchanged; 0 failed"));
    EXPECT_EQ(act({"ls", "data/voc"}).code, 5);
    EXPECT_THAT(listed("other/voc"),
                AllOf(HasSubstr("voc/a.txt"), HasSubstr("voc/big"), HasSubstr("sub/b.txt")));
}

TEST_F(mv, a_dry_run_and_a_failure_remove_nothing) {
    fill();
    EXPECT_EQ(act({"mv", "--dry-run", "voc", "local:data/voc"}).code, 0);
    EXPECT_TRUE(std::filesystem::exists(project("voc/a.txt")));
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    EXPECT_EQ(act({"mv", "--dry-run", "local:data/voc", "back"}).code, 0);
    write("in-the-way/a.txt/x", "a folder where a file should go");
    EXPECT_EQ(act({"mv", "local:data/voc", "in-the-way"}).code, 1);
    EXPECT_THAT(listed("data/voc"), AllOf(HasSubstr("data/voc/a.txt"), Not(HasSubstr("sub/b.txt"))));
    EXPECT_EQ(stream({"mv", "-", "local:data/x"}).code, 2);
}

TEST_F(mv, what_lies_behind_a_link_to_a_folder_stays) {
    fill();
    write("elsewhere/c.txt", "not ours");
    std::filesystem::create_directory_symlink(project("elsewhere"), project("voc/link"));
    auto o = act({"mv", "voc", "local:data/voc"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(read_file(project("elsewhere/c.txt")), "not ours");
    EXPECT_FALSE(std::filesystem::exists(project("voc/a.txt")));
    EXPECT_EQ(stream({"cat", "data/voc/link/c.txt"}).data, "not ours");
}

}  // namespace
}  // namespace act::cli
