// cat, mkcontainer, set, mv: what they do with what is stored.

#include "engine/async/runtime.hpp"
#include "streams.hpp"
#include "tools/store/store.hpp"

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

class undelete : public copying {
protected:
    /// What `act serve` would do to the folder, without a wait for an interrupt.
    void protect(std::uint32_t days, bool versioning) {
        runtime loops({.loops = 1});
        store::options o{.root = folder_.at("home/.local/share/act/store"), .listen = "127.0.0.1:0"};
        o.soft_delete_days = days;
        o.versioning = versioning;
        store::store at(loops, o);
        ASSERT_TRUE(at.start());
        loops.run(at.stop());
    }
};

TEST_F(undelete, what_was_removed_is_listed_and_comes_back) {
    fill();
    protect(7, false);
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    EXPECT_EQ(act({"ls", "--deleted", "data"}).out, "");
    ASSERT_EQ(act({"rm", "--yes", "data/voc/sub"}).code, 0);
    const auto listed = act({"ls", "--deleted", "data"});
    EXPECT_EQ(listed.code, 0) << listed.problems;
    EXPECT_THAT(listed.out, AllOf(HasSubstr("data/voc/sub/b.txt  (deleted 2"),
                                  HasSubstr(", kept for 6 days more)"), Not(HasSubstr("a.txt"))));
    EXPECT_THAT(act({"ls", "--deleted", "--json", "data"}).out,
                AllOf(HasSubstr("\"deleted\":true,\"remaining_days\":6,\"deleted_at\":\"2"),
                      HasSubstr("\"files\":1,")));
    EXPECT_EQ(act({"ls", "--deleted", "--one-level", "data"}).code, 2);

    const auto dry = act({"undelete", "--dry-run", "data/voc"});
    EXPECT_EQ(dry.code, 0) << dry.problems;
    EXPECT_THAT(dry.out, HasSubstr("sub/b.txt"));
    EXPECT_EQ(act({"ls", "data/voc/sub"}).code, 5);
    const auto back = act({"undelete", "--json", "data/voc"});
    EXPECT_EQ(back.code, 0) << back.problems;
    EXPECT_THAT(back.out, HasSubstr("\"verb\":\"undelete\",\"files\":1,\"bytes\":5,\"skipped\":"));
    ASSERT_EQ(act({"cp", "local:data/voc", "./back"}).code, 0);
    EXPECT_EQ(read_file(project("back/sub/b.txt")), "beta!");
    EXPECT_EQ(act({"undelete", "data/nothing"}).code, 5);
}

TEST_F(undelete, an_account_that_keeps_nothing_is_named) {
    fill();
    ASSERT_EQ(act({"cp", "voc", "local:data/voc"}).code, 0);
    ASSERT_EQ(act({"rm", "--yes", "data/voc"}).code, 0);
    const auto o = act({"undelete", "data/voc"});
    EXPECT_EQ(o.code, 5);
    EXPECT_THAT(o.problems, HasSubstr("account devstoreaccount1 has no soft delete"));
}

TEST_F(undelete, versions_are_removed_by_themselves) {
    fill();
    protect(0, true);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(act({"cp", "--force", "voc/a.txt", "local:data/a.txt"}).code, 0);
    const auto dry = act({"rm", "--dry-run", "--delete-versions", "old", "data/a.txt"});
    EXPECT_EQ(dry.code, 0) << dry.problems;
    EXPECT_THAT(dry.out, HasSubstr("a.txt?versionid=2"));
    EXPECT_EQ(act({"rm", "--yes", "--delete-versions", "old", "--delete-snapshots", "only", "data"}).code, 2);
    EXPECT_EQ(act({"rm", "--yes", "--delete-versions", "old", "--from-list", "l", "data"}).code, 2);
    EXPECT_EQ(act({"rm", "--yes", "--delete-versions", "some", "data"}).code, 2);
    const auto old = act({"rm", "--yes", "--json", "--delete-versions", "old", "data"});
    EXPECT_EQ(old.code, 0) << old.problems;
    EXPECT_THAT(old.out, HasSubstr("\"files\":2,"));
    EXPECT_THAT(act({"ls", "--json", "--versions", "data"}).out, HasSubstr("\"files\":1,"));
    ASSERT_EQ(act({"rm", "--yes", "data/a.txt"}).code, 0);
    EXPECT_EQ(act({"undelete", "data/a.txt"}).code, 0) << "its version was left";
    EXPECT_EQ(act({"rm", "--yes", "--delete-versions", "all", "data/a.txt"}).code, 0);
    EXPECT_EQ(act({"ls", "--versions", "data/a.txt"}).code, 5);
}

TEST_F(undelete, a_url_names_one_version) {
    fill();
    runtime loops({.loops = 1});
    store::options o{.root = folder_.at("other"), .listen = "127.0.0.1:0"};
    o.versioning = true;
    store::store at(loops, o);
    ASSERT_TRUE(at.start());
    const std::string blob = at.endpoint() + "/data/a.txt";
    for (int i = 0; i < 2; ++i) ASSERT_EQ(act({"cp", "--force", "voc/a.txt", blob}).code, 0);
    const std::string listed = act({"ls", "--json", "--versions", blob}).out;
    const std::string version = listed.substr(listed.find("\"version\":\"") + 11, 28);
    EXPECT_EQ(act({"ls", blob + "?versionid=" + version}).code, 1) << "for `rm` alone";
    EXPECT_EQ(act({"rm", "--yes", "--delete-versions", "old", blob + "?versionid=" + version}).code, 2);
    EXPECT_EQ(act({"rm", "--yes", blob + "?versionid=2020-01-01T00:00:00.0000000Z"}).code, 5);
    const auto gone = act({"rm", "--yes", blob + "?versionid=" + version});
    EXPECT_EQ(gone.code, 0) << gone.problems;
    EXPECT_THAT(act({"ls", "--json", "--versions", blob}).out, HasSubstr("\"files\":1,"));
    loops.run(at.stop());
}

}  // namespace
}  // namespace act::cli
