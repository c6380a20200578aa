#include "submit/stage/index.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packing.hpp"

namespace act::testing {
namespace {

using std::chrono::seconds;

/// Packing a second time: what is read, and what is compressed.
class stage_again : public packing_test {
protected:
    stage_again() { options_.settling = seconds(0); }
    void fill(int files) {
        for (int i = 0; i < files; ++i) {
            tree_.write("d" + std::to_string(i % 7) + "/f" + std::to_string(i), text(i));
        }
    }
    static std::string text(int i) { return std::string(2000, 'x') + std::to_string(i); }
    std::string index_file() {
        for (const auto& e : std::filesystem::directory_iterator(out_ / "code/index")) return e.path();
        return {};
    }
    /// The archive as one gets it without any memory of former ones.
    std::string fresh(const std::string& hash) {
        options_.folder = out_ / "fresh";
        auto r = pack();
        options_.folder = out_ / "code";
        EXPECT_EQ(r.hash, hash);
        return out_.read("fresh/" + hash + ".zip");
    }
};

TEST_F(stage_again, unchanged_files_are_not_read) {
    fill(300);
    auto first = pack();
    EXPECT_EQ(first.read, 300u);
    EXPECT_EQ(first.compressed, 300u);
    auto again = pack();
    EXPECT_TRUE(again.reused);
    EXPECT_EQ(again.read, 0u);
    EXPECT_EQ(again.hash, first.hash);
    EXPECT_EQ(again.bytes, first.bytes);
}

TEST_F(stage_again, one_changed_file_is_all_that_is_read_and_compressed) {
    fill(300);
    pack();
    tree_.write("d3/f3", "other");
    tree_.write("new", "new");
    std::filesystem::remove(tree_ / "d4/f4");
    auto r = pack();
    EXPECT_FALSE(r.reused);
    EXPECT_EQ(r.read, 2u);
    EXPECT_EQ(r.compressed, 2u);
    EXPECT_EQ(out_.read("code/" + r.hash + ".zip"), fresh(r.hash));
    // And once more, on top of an archive that was itself put together.
    tree_.write("d5/f5", "other too");
    r = pack();
    EXPECT_EQ(r.compressed, 1u);
    EXPECT_EQ(out_.read("code/" + r.hash + ".zip"), fresh(r.hash));
    EXPECT_TRUE(stage::unpack(r.archive, out_ / "there", r.hash));
}

TEST_F(stage_again, moved_and_touched_content_is_read_but_not_compressed) {
    fill(50);
    pack();
    std::filesystem::rename(tree_ / "d3", tree_ / "moved");
    tree_.write("d4/f4", text(4));
    auto r = pack();
    EXPECT_GT(r.read, 1u);
    EXPECT_EQ(r.compressed, 0u);
    EXPECT_EQ(out_.read("code/" + r.hash + ".zip"), fresh(r.hash));
}

TEST_F(stage_again, a_change_that_hides_its_time_is_seen) {
    tree_.write("a", "1111");
    auto first = pack();
    struct stat before, after;
    ASSERT_EQ(::stat((tree_ / "a").c_str(), &before), 0);
    // Until the file system's clock has moved on, which takes some milliseconds.
    do {
        tree_.write("a", "2222");
        timespec times[2] = {before.st_atim, before.st_mtim};
        ASSERT_EQ(::utimensat(AT_FDCWD, (tree_ / "a").c_str(), times, 0), 0);
        ASSERT_EQ(::stat((tree_ / "a").c_str(), &after), 0);
    } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
             after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    EXPECT_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    auto second = pack();
    EXPECT_EQ(second.read, 1u);
    EXPECT_NE(second.hash, first.hash);
}

TEST_F(stage_again, a_file_that_was_just_written_is_read_again) {
    options_.settling = seconds(3600);
    fill(10);
    pack();
    auto again = pack();
    EXPECT_TRUE(again.reused);
    EXPECT_EQ(again.read, 10u);
    tree_.write("new", "new");
    auto r = pack();
    EXPECT_EQ(r.read, 11u);
    EXPECT_EQ(r.compressed, 1u);
}

TEST_F(stage_again, a_secret_stays_one) {
    fill(3);
    tree_.write("notes.md", "AccountKey=" + std::string(86, 'k') + "==");
    pack();
    EXPECT_EQ(reason(pack(), "notes.md"), "secret: it holds an account key");
    tree_.write("d1/f1", "AccountKey=" + std::string(86, 'k') + "==");
    EXPECT_EQ(reason(pack(), "d1/f1"), "secret: it holds an account key");
}

TEST_F(stage_again, what_is_no_code_any_more_is_not_taken_from_the_last_archive) {
    fill(3);
    pack();
    tree_.write(".actignore", "d1/\n");
    auto r = pack();
    EXPECT_EQ(r.files, 3u);
    EXPECT_EQ(reason(r, "d1/"), ".actignore: d1/");
}

TEST_F(stage_again, a_damaged_index_only_costs_time) {
    fill(20);
    auto first = pack();
    std::string path = index_file(), whole = out_.read(path.substr(out_.path().size() + 1));
    for (std::size_t cut : {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
        out_.write(path.substr(out_.path().size() + 1), whole.substr(0, cut));
        EXPECT_EQ(pack().hash, first.hash) << cut;
    }
    std::string flipped = whole;
    flipped[whole.size() / 2] ^= 1;
    out_.write(path.substr(out_.path().size() + 1), flipped);
    auto r = pack();
    EXPECT_EQ(r.hash, first.hash);
    EXPECT_EQ(r.read, 20u);
}

TEST_F(stage_again, a_damaged_or_missing_archive_is_not_copied_from) {
    fill(20);
    auto first = pack();
    std::string name = "code/" + first.hash + ".zip", bytes = out_.read(name);
    for (std::size_t i = 0; i < bytes.size(); i += 9) bytes[i] ^= 1;
    out_.write(name, bytes);
    tree_.write("new", "1");
    auto r = pack();
    EXPECT_EQ(r.compressed, 21u);
    EXPECT_EQ(out_.read("code/" + r.hash + ".zip"), fresh(r.hash));
    std::filesystem::remove(r.archive);
    tree_.write("new", "2");
    r = pack();
    EXPECT_EQ(r.read, 1u);
    EXPECT_EQ(r.compressed, 21u);
    EXPECT_EQ(out_.read("code/" + r.hash + ".zip"), fresh(r.hash));
}

TEST_F(stage_again, going_back_finds_the_former_archive) {
    fill(20);
    auto first = pack();
    tree_.write("d0/f0", "other");
    EXPECT_NE(pack().hash, first.hash);
    tree_.write("d0/f0", text(0));
    auto back = pack();
    EXPECT_TRUE(back.reused);
    EXPECT_EQ(back.hash, first.hash);
    // Packed forms are still found in the archive that was written last.
    tree_.write("new", "1");
    EXPECT_LE(pack().compressed, 2u);
}

TEST_F(stage_again, two_at_once_give_one_whole_archive) {
    fill(200);
    pack();
    tree_.write("new", "1");
    std::vector<std::thread> threads;
    std::vector<std::string> hashes(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            act::runtime own(runtime_options{1, 2});
            auto r = own.run(stage::pack(own, options_, {}));
            ASSERT_TRUE(r) << r.error().describe();
            hashes[i] = r->hash;
        });
    }
    for (auto& t : threads) t.join();
    for (const auto& h : hashes) EXPECT_EQ(h, hashes[0]);
    EXPECT_EQ(out_.read("code/" + hashes[0] + ".zip"), fresh(hashes[0]));
    EXPECT_EQ(pack().read, 0u);
}

TEST_F(stage_again, archives_that_are_kept_within_the_tree_are_no_code) {
    fill(3);
    options_.folder = tree_ / "home/state";
    auto first = pack();
    EXPECT_EQ(reason(pack(), "home/state/"), "archives of code");
    EXPECT_EQ(pack().files, first.files);
}

TEST_F(stage_again, dry_run_keeps_no_index) {
    fill(3);
    options_.dry_run = true;
    pack();
    EXPECT_FALSE(out_.has("code"));
}

}  // namespace
}  // namespace act::testing
