#include <atomic>
#include <map>
#include <random>
#include <sys/time.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packing.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class stage_pack : public packing_test {
protected:
    std::string unpack(const stage::report& r, const std::string& name = "there") {
        auto done = stage::unpack(r.archive, out_ / name, r.hash);
        EXPECT_TRUE(done) << done.error().describe();
        return out_ / name;
    }
    static std::string noise(std::size_t size, unsigned seed = 1) {
        std::mt19937_64 random(seed);
        std::string out(size, '\0');
        for (auto& c : out) c = static_cast<char>(random());
        return out;
    }
};

TEST_F(stage_pack, a_tree_comes_back_as_it_was) {
    tree_.write("main.py", "print(1)\n");
    tree_.write("run.sh", "#!/bin/sh\n", 0755);
    tree_.write("empty", "");
    tree_.write("pkg/a b/ü#%?.txt", "awkward");
    tree_.write("pkg/big.bin", noise(3 << 20));
    tree_.write("pkg/text.txt", std::string(2 << 20, 'x'));
    std::filesystem::create_directories(tree_ / "made/empty");
    std::filesystem::create_symlink("../main.py", tree_ / "pkg/link");
    auto r = pack();
    EXPECT_EQ(r.files, 6u);
    EXPECT_EQ(r.links, 1u);
    EXPECT_EQ(r.bytes, 9u + 10 + 7 + (3 << 20) + (2 << 20));
    EXPECT_EQ(r.largest[0].name, "pkg/big.bin");
    EXPECT_EQ(r.largest[1].name, "pkg/text.txt");
    EXPECT_EQ(r.archive, out_ / ("code/" + r.hash + ".zip"));
    EXPECT_EQ(r.archive_bytes, std::filesystem::file_size(r.archive));
    EXPECT_LT(r.archive_bytes, (3u << 20) + 65536);
    EXPECT_FALSE(r.reused);
    unpack(r);
    for (const char* name :
         {"main.py", "run.sh", "empty", "pkg/a b/ü#%?.txt", "pkg/big.bin", "pkg/text.txt"}) {
        EXPECT_EQ(out_.read(std::string("there/") + name), tree_.read(name)) << name;
    }
    EXPECT_TRUE(std::filesystem::is_directory(out_ / "there/made/empty"));
    EXPECT_EQ(std::filesystem::read_symlink(out_ / "there/pkg/link"), "../main.py");
    EXPECT_EQ(::access((out_ / "there/run.sh").c_str(), X_OK), 0);
    struct stat s;
    ::stat((out_ / "there/main.py").c_str(), &s);
    EXPECT_EQ(s.st_mode & 0111, 0u);
}

TEST_F(stage_pack, files_of_all_sizes_one_after_the_other) {
    const auto words = [](std::size_t size) {
        std::string out;
        for (unsigned i = 0; out.size() < size; ++i) out += std::to_string(i * 2654435761u) + " word\n";
        return out.substr(0, size);
    };
    std::map<std::string, std::string> all;
    for (std::size_t limit : {options_.small, std::uint64_t{4 << 20}}) {
        for (const std::size_t size : {limit - 1, limit, limit + 1}) {
            all["t" + std::to_string(size)] = words(size);
            all["n" + std::to_string(size)] = noise(size);
        }
    }
    all["a"] = "one", all["o"] = "two", all["z"] = "three";
    for (const auto& [name, content] : all) tree_.write(name, content);
    unpack(pack());
    for (const auto& [name, content] : all) EXPECT_TRUE(out_.read("there/" + name) == content) << name;
}

TEST_F(stage_pack, other_peoples_tools_read_the_archive) {
    tree_.write("a.txt", std::string(100000, 'a'));
    tree_.write("b/ü.bin", noise(100000));
    auto r = pack();
    EXPECT_EQ(
        std::system(("python3 -c \"import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); "
                     "sys.exit(z.testzip() is not None or z.namelist() != ['a.txt', 'b/\\u00fc.bin'])\" " +
                     r.archive)
                        .c_str()),
        0);
}

TEST_F(stage_pack, the_hash_and_the_bytes_depend_on_the_content_alone) {
    auto fill = [](const temp_folder& t, int times) {
        t.write("b/x.py", "x = 1\n");
        t.write("a.sh", "true\n", times == 0 ? 0755 : 0700);
        t.write("c.txt", std::string(100000, 'c'), times == 0 ? 0644 : 0600);
        std::filesystem::create_symlink("c.txt", t / "l");
        timeval when[2] = {{1000000 + times * 5000, 0}, {1000000 + times * 5000, 0}};
        ::utimes((t / "c.txt").c_str(), when);
    };
    fill(tree_, 0);
    auto first = pack();
    temp_folder other;
    fill(other, 1);
    options_.root = other.path();
    options_.folder = out_ / "second";
    auto second = pack();
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_THAT(first.hash, ::testing::MatchesRegex("[0-9a-f]{64}"));
    EXPECT_EQ(out_.read("code/" + first.hash + ".zip"), out_.read("second/" + second.hash + ".zip"));
    // Golden, worked out with Python's hashlib: the format is a promise to other versions and machines.
    temp_folder golden;
    golden.write("a", "1");
    options_.root = golden.path();
    EXPECT_EQ(pack().hash, "89c9090e5ab3fe207244d543dee7d7ac14134359993c020f240365624f5d9d2a");
}

TEST_F(stage_pack, every_difference_gives_another_hash) {
    std::set<std::string> hashes;
    auto add = [&] { EXPECT_TRUE(hashes.insert(pack().hash).second); };
    tree_.write("a", "1");
    add();
    tree_.write("a", "2");
    add();
    ::chmod((tree_ / "a").c_str(), 0755);
    add();
    std::filesystem::rename(tree_ / "a", tree_ / "b");
    add();
    std::filesystem::create_directory(tree_ / "d");
    add();
    std::filesystem::create_symlink("b", tree_ / "l");
    add();
}

TEST_F(stage_pack, the_first_time_each_file_is_read_once) {
    constexpr std::size_t size = 1 << 20;
    for (int i = 0; i < 8; ++i) tree_.write("f" + std::to_string(i), noise(size, i));
    auto read_so_far = [] {
        std::ifstream in("/proc/self/io");
        std::string name;
        std::uint64_t bytes = 0;
        in >> name >> bytes;
        EXPECT_EQ(name, "rchar:");
        return bytes;
    };
    const auto before = read_so_far();
    auto r = pack();
    EXPECT_LT(read_so_far() - before, 12 * size);
    EXPECT_EQ(r.read, 8u);
    EXPECT_EQ(r.compressed, 8u);
}

TEST_F(stage_pack, files_that_change_meanwhile_are_not_packed) {
    // Enough to keep it for longer than a writer can stand still.
    tree_.write("a", "1");
    for (int i = 0; i < 16; ++i) tree_.write("f" + std::to_string(i), noise(2 << 20, i));
    std::atomic<bool> enough = false;
    std::thread writer([&] {
        std::ofstream out(tree_ / "a", std::ios::app);
        for (; !enough; std::this_thread::yield()) out << '.' << std::flush;
    });
    auto r = try_pack();
    enough = true;
    writer.join();
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::conflict);
    EXPECT_TRUE(std::filesystem::is_empty(out_ / "code"));
    EXPECT_TRUE(try_pack());
}

TEST_F(stage_pack, packing_the_same_again_reuses_the_archive) {
    tree_.write("a", "1");
    auto first = pack();
    auto again = pack();
    EXPECT_TRUE(again.reused);
    EXPECT_EQ(again.hash, first.hash);
    EXPECT_EQ(again.archive_bytes, first.archive_bytes);
}

TEST_F(stage_pack, a_torn_archive_is_written_anew) {
    tree_.write("a", std::string(5000, '1'));
    const auto first = pack();
    const std::string name = "code/" + first.hash + ".zip", whole = out_.read(name);
    for (std::size_t size : {std::size_t{0}, whole.size() - 1}) {
        out_.write(name, whole.substr(0, size));
        const auto again = pack();
        EXPECT_FALSE(again.reused);
        EXPECT_EQ(again.archive_bytes, whole.size());
        EXPECT_EQ(out_.read(name), whole);
    }
}

TEST_F(stage_pack, dry_run_writes_nothing) {
    tree_.write("a", "1");
    options_.dry_run = true;
    auto r = pack();
    EXPECT_EQ(r.hash.size(), 64u);
    EXPECT_FALSE(out_.has("code"));
}

TEST_F(stage_pack, folders_have_rules_of_their_own) {
    tree_.write(".actignore", "*.tmp\n/top\n");
    tree_.write("a/.actignore", "!kept.tmp\n/own\nb/deep\n");
    tree_.write("a/b/.actignore", "*.py\n!*.py\n*.txt\n");
    for (const char* name : {"x.tmp", "kept.tmp", "own", "top", "a/x.tmp", "a/kept.tmp", "a/own", "a/top",
                             "a/b/kept.tmp", "a/b/own", "a/b/deep/x", "a/b/m.py", "a/b/n.txt", "n.txt"}) {
        tree_.write(name, "1");
    }
    const auto r = pack();
    const std::string there = unpack(r);
    std::vector<std::string> names;
    for (const auto& e : std::filesystem::recursive_directory_iterator(there)) {
        const std::string name = e.path().string().substr(there.size() + 1);
        if (!e.is_directory() && !name.ends_with(".actignore")) names.push_back(name);
    }
    EXPECT_THAT(names, ::testing::UnorderedElementsAre("own", "a/kept.tmp", "a/top", "a/b/kept.tmp",
                                                       "a/b/own", "a/b/m.py", "n.txt"));
    EXPECT_EQ(reason(r, "kept.tmp"), ".actignore: *.tmp");
    EXPECT_EQ(reason(r, "a/x.tmp"), ".actignore: *.tmp");
    EXPECT_EQ(reason(r, "a/own"), "a/.actignore: /own");
    EXPECT_EQ(reason(r, "a/b/deep/"), "a/.actignore: b/deep");
    EXPECT_EQ(reason(r, "a/b/n.txt"), "a/b/.actignore: *.txt");
}

TEST_F(stage_pack, rules_that_cannot_be_read_leave_nothing_packed) {
    tree_.write("main.py", "1");
    std::filesystem::create_directories(tree_ / "a/.actignore");
    const auto r = try_pack();
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().describe(), HasSubstr("a/.actignore"));
}

TEST_F(stage_pack, what_is_no_code_is_left_out_and_named) {
    tree_.write("main.py", "1");
    tree_.write("dataset.py", "1");
    tree_.write("data/x", "1");
    tree_.write("pkg/data/x", "1");
    tree_.write(".git/HEAD", "1");
    tree_.write(".gitignore", "1");
    tree_.write("sub/.git", "gitdir: elsewhere");
    tree_.write("pkg/__pycache__/x.pyc", "1");
    tree_.write("big/model.bin", "1");
    tree_.write("notes.tmp", "1");
    tree_.write(".actignore", "*.tmp\n");
    tree_.write("aux_data/configs/eu.yaml", "account_name: x");
    tree_.write("aux_data/aml/eu.yaml", "a: 1");
    tree_.write("keys/id_rsa", "1");
    tree_.write("notes.md", "AccountKey=" + std::string(86, 'k') + "==");
    tree_.write("secret/account.yaml", "account_name: x");
    tree_.write("assets/run/log", "1");
    std::filesystem::create_symlink("/etc/passwd", tree_ / "absolute");
    std::filesystem::create_symlink("../../x", tree_ / "pkg/upwards");
    options_.data_folders = {"data"};
    options_.never = {{"secret/account.yaml", "an account file"}, {"assets", "logs", false}};
    options_.zip_options = {"-q", "-x", "big/*"};
    auto r = pack();
    std::string there = unpack(r);
    std::vector<std::string> names;
    for (const auto& e : std::filesystem::recursive_directory_iterator(there)) {
        if (!e.is_directory()) names.push_back(e.path().string().substr(there.size() + 1));
    }
    EXPECT_THAT(names, ::testing::UnorderedElementsAre("main.py", "dataset.py", "pkg/data/x", ".gitignore",
                                                       ".actignore", "aux_data/aml/eu.yaml"));
    EXPECT_THAT(reason(r, "data/"), HasSubstr("data, not code"));
    EXPECT_THAT(reason(r, ".git/"), HasSubstr("history"));
    EXPECT_EQ(reason(r, "notes.tmp"), ".actignore: *.tmp");
    EXPECT_THAT(reason(r, "aux_data/configs/eu.yaml"), HasSubstr("secret: "));
    EXPECT_EQ(reason(r, "notes.md"), "secret: it holds an account key");
    EXPECT_EQ(reason(r, "secret/account.yaml"), "secret: an account file");
    EXPECT_EQ(reason(r, "assets/"), "logs");
    EXPECT_THAT(reason(r, "absolute"), HasSubstr("leads out of the project, to /etc/passwd"));
    EXPECT_NE(reason(r, "pkg/upwards"), "");
    EXPECT_TRUE(r.left_out[0].secret);
    EXPECT_GE(r.left_out_total, 12u);
    EXPECT_THAT(r.warnings, ElementsAre(HasSubstr("not used: -q")));
}

TEST_F(stage_pack, a_data_folder_that_is_a_link_is_left_out_too) {
    tree_.write("main.py", "1");
    std::filesystem::create_symlink("/mnt/somewhere", tree_ / "data");
    options_.data_folders = {"data"};
    EXPECT_THAT(reason(pack(), "data"), HasSubstr("data, not code"));
}

TEST_F(stage_pack, failures_are_named) {
    EXPECT_EQ(try_pack().error().kind(), kind::not_found);
    tree_.write(".git/x", "1");
    EXPECT_THAT(try_pack().error().message(), HasSubstr("no code to pack"));
    options_.root = tree_ / "nowhere";
    EXPECT_FALSE(try_pack());
}

TEST_F(stage_pack, an_unreadable_file_is_named) {
    tree_.write("a", "1");
    tree_.write("locked", "1", 0000);
    // Root reads everything, so for a moment the test is nobody.
    bool root = ::geteuid() == 0;
    for (const auto& path : {tree_.path(), out_.path(), tree_ / "a", tree_ / "locked"}) {
        if (root) ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    }
    if (root) ASSERT_EQ(::seteuid(65534), 0);
    auto r = try_pack();
    if (root) ASSERT_EQ(::seteuid(0), 0);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::permission);
    EXPECT_THAT(r.error().message(), HasSubstr("locked"));
}

TEST_F(stage_pack, an_archive_that_cannot_be_written_is_named) {
    tree_.write("a", "1");
    out_.write("file", "");
    options_.folder = out_ / "file/below";
    auto r = try_pack();
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().message(), HasSubstr(out_ / "file"));
}

TEST_F(stage_pack, stops_when_told_and_leaves_nothing) {
    for (int i = 0; i < 50; ++i) tree_.write("f" + std::to_string(i), noise(10000, i));
    stop_source stop;
    stop.request();
    auto r = try_pack(until{stop.token()});
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind(), kind::stopped);
    EXPECT_FALSE(out_.has("code") && !std::filesystem::is_empty(out_ / "code"));
}

TEST_F(stage_pack, many_small_files) {
    for (int i = 0; i < 1000; ++i) {
        tree_.write("d" + std::to_string(i % 40) + "/f" + std::to_string(i), "content " + std::to_string(i));
    }
    auto r = pack();
    EXPECT_EQ(r.files, 1000u);
    unpack(r);
    EXPECT_EQ(out_.read("there/d39/f999"), "content 999");
}

TEST_F(stage_pack, a_file_too_large_for_memory_is_stored_and_streamed) {
    std::string block = noise(1 << 20);
    {
        std::ofstream out(tree_ / "model.bin", std::ios::binary);
        for (int i = 0; i < 5; ++i) out << block;
        out << "end";
    }
    options_.whole_in_memory = 4 << 20;
    auto r = pack();
    EXPECT_GE(r.archive_bytes, r.bytes);
    unpack(r);
    tree_.write("a", "1");
    r = pack();
    EXPECT_EQ(r.files, 2u);
    EXPECT_TRUE(stage::unpack(r.archive, out_ / "again", r.hash));
    EXPECT_EQ(std::system(("cmp " + (tree_ / "model.bin") + " " + (out_ / "there/model.bin")).c_str()), 0);
}

}  // namespace
}  // namespace act::testing
