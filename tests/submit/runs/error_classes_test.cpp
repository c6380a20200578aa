#include "submit/runs/error_classes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support/temp_folder.hpp"
#include "submit/runs/text_finder.hpp"

namespace act::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

runs::error_scanner scanner(std::vector<runs::error_rule> more = {}) {
    auto made = runs::error_scanner::make(more);
    EXPECT_TRUE(made) << made.error().describe();
    return std::move(*made);
}

std::vector<std::string> names(const runs::error_scanner& s) {
    std::vector<std::string> out;
    for (const auto& c : s.found()) out.push_back(c.name);
    return out;
}

std::vector<std::string> classes_of(const std::string& log) {
    auto s = scanner();
    s.scan_text(log, "log");
    return names(s);
}

std::string lines(std::size_t count, const std::string& line) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += line + "\n";
    return out;
}

TEST(error_classes, tells_what_programs_print) {
    const std::pair<const char*, const char*> shown[] = {
        {"RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", "OOM"},
        {"[Errno 28] No space left on device: '/x'", "NoSpace"},
        {"RuntimeError: CUDA error: initialization error", "init"},
        {"Some(OSError: [Errno 5] Input/output error: '/mnt/x')", "blobIO"},
        {"[E ProcessGroupNCCL.cpp:828] [Rank 3] Watchdog caught collective operation timeout", "NCCLTimeout"},
        {"ORTE has lost communication with a remote daemon.", "ORTE_comm"},
        {"ModuleNotFoundError: No module named 'x'", "ModuleErr"},
        {"OSError: [Errno 24] Too many open files", "TooMany"},
        {"slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT x DUE TO NODE FAILURE ***", "NodeLost"},
        {"FloatingPointError: Loss became infinite or NaN at iteration=8! nan", "NaN"},
    };
    for (const auto& [line, name] : shown)
        EXPECT_THAT(classes_of(std::string("epoch 1\n") + line + "\n"), ::testing::Contains(name)) << line;
    EXPECT_THAT(classes_of("epoch 1 loss 0.3\nall is well\n"), IsEmpty());
}

TEST(error_classes, every_rule_has_a_text_to_search_for) {
    for (const auto& r : runs::known_error_rules())
        EXPECT_THAT(runs::plain_texts(r.pattern), ::testing::Not(IsEmpty())) << r.pattern;
}

TEST(error_classes, a_failure_behind_a_barrier_is_one_of_the_start) {
    std::string oom = "CUDA out of memory\n";
    EXPECT_THAT(classes_of("dist.barrier()\n" + lines(99, "x") + oom), ElementsAre("Init"));
    EXPECT_THAT(classes_of("dist.barrier()\n" + lines(100, "x") + oom), ElementsAre("OOM"));
}

TEST(error_classes, some_need_many_lines) {
    EXPECT_THAT(classes_of(lines(1000, "waiting for sshd")), IsEmpty());
    EXPECT_THAT(classes_of(lines(1001, "waiting for sshd")), ElementsAre("waiting"));
    std::string busy = "gpu_util 100%, 100%";
    EXPECT_THAT(classes_of(lines(128, busy)), IsEmpty());
    EXPECT_THAT(classes_of(lines(129, busy)), ElementsAre("Hang"));
    EXPECT_THAT(classes_of(lines(128, busy) + "gpu_util 100%, 98%\n" + lines(128, busy)), IsEmpty());
}

TEST(error_classes, tells_the_first_line_and_how_many) {
    temp_folder folder;
    auto path = folder.write("log", lines(7, "fine") + "no: No space left on device\r\n" + lines(3, "fine") +
                                        "No space left on device again\n");
    auto s = scanner();
    ASSERT_TRUE(s.scan_file(path));
    auto found = s.found();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].line, 8u);
    EXPECT_EQ(found[0].lines, 2u);
    EXPECT_EQ(found[0].text, "no: No space left on device");
    EXPECT_EQ(found[0].file, path);
    EXPECT_TRUE(found[0].retriable);
}

TEST(error_classes, finds_across_the_borders_of_what_is_read_at_once) {
    temp_folder folder;
    std::string text;
    while (text.size() < (1 << 20) - 10) text += "some line of a log\n";
    std::uint64_t before = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    // Then a line larger than the window.
    text += "here: No space left on device\n" + std::string(3 << 20, 'x') + "\nCUDA out of memory\n";
    auto s = scanner();
    ASSERT_TRUE(s.scan_file(folder.write("log", text)));
    auto found = s.found();
    ASSERT_EQ(names(s), (std::vector<std::string>{"OOM", "NoSpace"}));
    EXPECT_EQ(found[1].line, before + 1);
    EXPECT_EQ(found[0].line, before + 3);
}

TEST(error_classes, a_project_has_its_own) {
    auto s = scanner({{.name = "Flaky", .pattern = "^flaky [0-9]+$", .retriable = true},
                      {.name = "OOM", .pattern = "my allocator gave up"},
                      {.name = "Odd", .pattern = "^[0-9]{5}$"}});
    s.scan_text("a flaky 1\nflaky 12\nCUDA out of memory\nmy allocator gave up\n1234\n12345\n", "log");
    EXPECT_THAT(names(s), ElementsAre("Flaky", "OOM", "Odd"));
    EXPECT_EQ(s.found()[0].line, 2u);
    EXPECT_EQ(s.found()[2].line, 6u);

    std::vector<runs::error_rule> bad = {{.name = "Bad", .pattern = "(open"}};
    auto refused = runs::error_scanner::make(bad);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().describe(), HasSubstr("Bad"));
}

TEST(error_classes, another_try_is_worth_it_only_for_what_passes) {
    auto retriable = [](const std::string& log) {
        auto s = scanner();
        s.scan_text(log, "log");
        return runs::is_retriable(s.found());
    };
    EXPECT_TRUE(retriable("uncorrectable ECC error encountered\n"));
    // What other ranks say of it does not count against it.
    EXPECT_TRUE(retriable("CUDA error: uncorrectable ECC error encountered\nConnection reset by peer\n"));
    EXPECT_FALSE(retriable("Connection reset by peer\n"));
    // One rank's mistake makes the others time out.
    EXPECT_FALSE(retriable("ModuleNotFoundError: x\nWatchdog caught collective operation timeout\n"));
    EXPECT_FALSE(retriable("fine\n"));
}

TEST(plain_texts, are_what_each_match_holds) {
    using all = std::vector<std::string>;
    EXPECT_EQ(runs::plain_texts("abc"), all{"abc"});
    EXPECT_EQ(runs::plain_texts("abcd*e"), all{"abc"});
    EXPECT_EQ(runs::plain_texts("abc+de"), all{"abc"});
    EXPECT_EQ(runs::plain_texts("x(abcdef|b)yz w"), all{"yz w"});
    EXPECT_EQ(runs::plain_texts("one|two\\.5|three"), (all{"one", "two.5", "three"}));
    EXPECT_EQ(runs::plain_texts("[abc]|abc"), all{});
    EXPECT_EQ(runs::plain_texts("\\w\\w\\w"), all{});
    EXPECT_EQ(runs::plain_texts("(abc|def)?"), all{});
    EXPECT_EQ(runs::plain_texts("abc{0,2}d"), all{});
    EXPECT_EQ(runs::plain_texts("error [[:digit:]_-]+ of"), all{"error "});
    EXPECT_EQ(runs::plain_texts("[^][.hyphen.][=a=]xyz]abc"), all{"abc"});
    EXPECT_EQ(runs::plain_texts("([[:digit:])]|x)abc|d[[ef]ghi"), (all{"abc", "ghi"}));
}

TEST(text_finder, finds_overlapping_texts) {
    runs::text_finder f;
    f.add("she", 1);
    f.add("he", 2);
    f.add("hers", 3);
    f.prepare();
    std::vector<std::pair<std::size_t, std::size_t>> found;
    f.search("ushers", [&](std::size_t end, std::size_t id) { found.emplace_back(end, id); });
    EXPECT_THAT(found, ElementsAre(Pair(4, 1), Pair(4, 2), Pair(6, 3)));
}

}  // namespace
}  // namespace act::testing
