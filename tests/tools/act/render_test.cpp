#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/act/json.hpp"
#include "tools/act/progress_bar.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(json, escapes_what_json_escapes) {
    EXPECT_EQ(json_quoted("a\"b\\c\nd\te\x01\x7f"), R"("a\"b\\c\nd\te\u0001\u007f")");
    EXPECT_EQ(json_quoted("日本 é 🚀"), "\"日本 é 🚀\"");
}

TEST(json, replaces_bytes_that_are_not_utf8) {
    EXPECT_EQ(json_quoted("a\xff"
                          "b"),
              "\"a\xef\xbf\xbd"
              "b\"");
    EXPECT_EQ(json_quoted("\xe6\x97"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    EXPECT_EQ(json_quoted("\xff\xc3\xa9"), "\"\xef\xbf\xbd\xc3\xa9\"");
}

TEST(json, values_have_their_types) {
    json_line line("t");
    line.add("n", 18446744073709551615ull).add("i", -1).add("f", 0.25).add("b", true).add("s", "x").null("z");
    line.add("l", std::vector<std::string>{"a", "b c"});
    EXPECT_EQ(
        line.text(),
        R"({"type":"t","n":18446744073709551615,"i":-1,"f":0.250,"b":true,"s":"x","z":null,"l":["a","b c"]})");
}

TEST(text, elides_in_the_middle_and_never_inside_a_character) {
    EXPECT_EQ(elide_middle("short", 10), "short");
    EXPECT_EQ(elide_middle("abcdefghijkl", 9), "abc...jkl");
    EXPECT_EQ(elide_middle("日本語日本語日本語", 7), "日本...本語");
    EXPECT_EQ(elide_middle("abcdef", 2), "..");
}

TEST(text, words_for_a_shell) {
    EXPECT_EQ(shell_quoted(std::vector<std::string>{"act", "u", "a b", "it's", "", "$x"}),
              R"(act u 'a b' 'it'\''s' '' '$x')");
}

TEST(progress, a_line_of_everything) {
    progress_view v{.files_done = 1234,
                    .files_found = 12345,
                    .bytes_done = 512ull << 20,
                    .bytes_found = 1024ull << 20,
                    .found_all = true,
                    .byte_rate = 64.0 * (1 << 20),
                    .file_rate = 10000,
                    .name = "data/voc20/a/very/long/path/to/one/image_0001.jpg"};
    EXPECT_EQ(progress_line(v, 121),
              " 50%  [==========          ]  512 MiB of 1 GiB  64 MiB/s  1,234 of 12,345  8 s left  "
              "data/voc20/a/ver...e/image_0001.jpg");
}

TEST(progress, fits_any_width_by_leaving_out_from_the_end) {
    progress_view v{.files_done = 10,
                    .files_found = 20,
                    .bytes_done = 1000,
                    .bytes_found = 2000,
                    .found_all = true,
                    .byte_rate = 10,
                    .file_rate = 1,
                    .name = "data/a"};
    for (unsigned columns = 0; columns < 140; ++columns) {
        EXPECT_LT(width_of(progress_line(v, columns)), std::max(1u, columns)) << columns;
    }
    EXPECT_EQ(progress_line(v, 6), " 50%");
}

TEST(progress, no_share_and_no_time_before_all_is_found) {
    progress_view v{.files_done = 1,
                    .files_found = 5,
                    .bytes_done = 10,
                    .bytes_found = 50,
                    .byte_rate = 10,
                    .file_rate = 1};
    std::string line = progress_line(v, 100);
    EXPECT_THAT(line, HasSubstr("50 B+"));
    EXPECT_THAT(line, Not(HasSubstr("%")));
    EXPECT_THAT(line, Not(HasSubstr("left")));
}

TEST(progress, names_cannot_move_the_cursor) {
    progress_view v{.name = "a\x1b[2Jb"};
    EXPECT_THAT(progress_line(v, 100), Not(HasSubstr("\x1b")));
}

TEST(progress, the_rate_is_that_of_the_last_seconds) {
    using namespace std::chrono_literals;
    rate_meter meter;
    steady::time_point t{};
    EXPECT_EQ(meter.sample(t, 0), 0);
    for (int i = 1; i <= 100; ++i) meter.sample(t += 200ms, static_cast<std::uint64_t>(i) * 200);
    EXPECT_NEAR(meter.sample(t += 200ms, 20200), 1000, 1);
    double rate = 0;
    for (int i = 0; i < 30; ++i) rate = meter.sample(t += 200ms, 20200);
    EXPECT_EQ(rate, 0) << "a stall shows after the window";
}

TEST(screen, problems_and_the_status_line_do_not_mix) {
    std::ostringstream out, problems;
    {
        screen s(out, problems, false);
        s.status("50%");
        s.problem("bad\x1b thing: sig=abcdef&x");
        s.status("60%");
        s.result("line");
    }
    EXPECT_EQ(out.str(), "line\n");
    EXPECT_THAT(problems.str(), StartsWith("\r50%\x1b[K\r\x1b[Kact: bad\\x1b thing: sig="));
    EXPECT_THAT(problems.str(), Not(HasSubstr("abcdef")));
    EXPECT_THAT(problems.str(), EndsWith("\r\x1b[K"));
}

// ---- the report

class report_test : public testing::Test {
protected:
    int finish(report& r) { return r.finish(nullptr); }
    report make() { return {call_, "uploaded", "file"}; }

    std::istringstream in_;
    std::ostringstream out_, problems_;
    world world_{.arguments = {"u", "data/a b"}, .in = in_, .out = out_, .problems = problems_};
    screen screen_{out_, problems_, false};
    invocation call_{
        .verb = upload_verb, .called = "u", .given = {}, .words = {}, .world = world_, .screen = screen_};
};

summary moved(std::uint64_t files, std::uint64_t failed = 0, std::uint64_t skipped = 0) {
    summary s;
    s.files = files, s.bytes = files << 20, s.failed = failed, s.skipped = skipped;
    return s;
}

TEST_F(report_test, all_done) {
    auto r = make();
    r.add("data", moved(12345, 0, 3));
    EXPECT_EQ(finish(r), 0);
    EXPECT_THAT(out_.str(), StartsWith("uploaded 12,345 files, 12.1 GiB in "));
    EXPECT_THAT(out_.str(), EndsWith("; 3 unchanged; 0 failed\n"));
    EXPECT_EQ(problems_.str(), "");
}

TEST_F(report_test, some_failed_is_1_and_failures_are_grouped_by_cause) {
    auto r = make();
    error denied(kind::permission, "cannot open x: Permission denied", "check its permissions");
    for (int i = 0; i < 8; ++i) r.failed({"data/f" + std::to_string(i), denied});
    r.failed({"data/lone", error(kind::integrity, "bytes differ")});
    r.add("data", moved(5, 9));
    EXPECT_EQ(finish(r), 1);
    EXPECT_THAT(problems_.str(),
                HasSubstr("8 files failed, the first one: cannot open x: Permission denied"));
    EXPECT_THAT(problems_.str(), HasSubstr("    data/f4\n    and 3 more\n  check its permissions\n"));
    EXPECT_THAT(problems_.str(), HasSubstr("act: data/lone: bytes differ\n"));
    EXPECT_THAT(problems_.str(), HasSubstr("run the same command again to continue: act u 'data/a b'"));
}

TEST_F(report_test, failures_of_one_errno_are_a_group_of_their_own) {
    auto r = make();
    for (int i = 0; i < 3; ++i) {
        const std::string path = "data/f" + std::to_string(i);
        r.failed({path, error::from_errno(EACCES, "cannot open " + path)});
        r.failed({path, error::from_errno(EROFS, "cannot write " + path)});
    }
    r.add("data", moved(1, 6));
    EXPECT_EQ(finish(r), 1);
    EXPECT_THAT(problems_.str(),
                HasSubstr("3 files failed, the first one: cannot open data/f0: Permission denied\n"));
    EXPECT_THAT(problems_.str(),
                HasSubstr("3 files failed, the first one: cannot write data/f0: Read-only file system\n"));
    EXPECT_THAT(failure_line("x", error::from_errno(ENOSPC, "cannot write x"), {}).text(),
                AllOf(HasSubstr(R"("code":"disk_full")"), HasSubstr(R"("errno":"ENOSPC")")));
}

TEST_F(report_test, the_first_failures_of_a_long_run_are_told_at_once) {
    const failure one{"data/x", error(kind::io, "broken"), item_name{"x", "x"}};
    auto soon = make();
    soon.failed(one);
    EXPECT_EQ(problems_.str(), "");
    call_.started -= std::chrono::seconds(10);
    auto late = make();
    for (int i = 0; i < 5; ++i) late.failed(one);
    EXPECT_EQ(problems_.str(),
              "act: data/x: broken\nact: data/x: broken\nact: data/x: broken\n"
              "  more failures are told at the end\n");
}

TEST_F(report_test, the_command_to_continue_holds_no_secret_and_says_so) {
    world_.arguments = {"cp", "./x", "https://a.example/c?sv=1&sig=topsecret"};
    auto r = make();
    r.failed({"x", error(kind::io, "broken"), std::nullopt});
    r.add("x", moved(1, 1));
    EXPECT_EQ(finish(r), 1);
    EXPECT_THAT(problems_.str(), HasSubstr("to continue: act cp ./x 'https://a.example/c?sv=1&sig=***'\n"
                                           "  with the secret in place of ***\n"));
}

TEST_F(report_test, failures_tell_what_the_item_is_called_below_what_the_call_names) {
    call_.given.json = true;
    auto r = make();
    const error broken(kind::io, "broken");
    r.enter("b", "b");
    r.failed({"/x/b/f", broken, item_name{"f", "f"}});
    r.failed({"/x/b/f", broken, item_name{"f", "g"}});
    r.failed({"/x/b", broken, item_name{"", ""}});
    r.failed({"/x/b", broken, std::nullopt});
    std::istringstream lines(out_.str());
    std::string line;
    for (const char* end : {R"("name":"b/f"})", R"("source":"b/f","destination":"b/g"})", R"("name":"b"})",
                            R"("advice":""})"}) {
        std::getline(lines, line);
        EXPECT_THAT(line, EndsWith(end));
    }
}

TEST(names_of_paths, are_below_the_folder_that_all_share) {
    using list = std::vector<std::string>;
    EXPECT_EQ(below_common_folder({"data/voc/"}), list{"voc"});
    EXPECT_EQ(below_common_folder({"data/a", "./data/b/", "data/c/d"}), (list{"a", "b", "c/d"}));
    EXPECT_EQ(below_common_folder({"data/a", "output/a"}), (list{"data/a", "output/a"}));
    EXPECT_EQ(below_common_folder({"data", "data/a"}), (list{"data", "data/a"}));
    EXPECT_EQ(below_common_folder({"."}), list{""});
}

TEST_F(report_test, one_cause_and_nothing_done_is_the_code_of_the_cause) {
    struct {
        kind why;
        int code;
    } cases[] = {{kind::usage, 2},      {kind::configuration, 3}, {kind::authentication, 4},
                 {kind::permission, 4}, {kind::not_found, 5},     {kind::unavailable, 6},
                 {kind::timeout, 6},    {kind::disk_full, 1},     {kind::integrity, 1}};
    for (auto [why, code] : cases) {
        auto r = make();
        r.add("data", error(why, "it failed"));
        EXPECT_EQ(finish(r), code) << to_string(why);
    }
}

TEST_F(report_test, different_causes_are_1) {
    auto r = make();
    r.add("a", error(kind::not_found, "nothing there"));
    r.add("b", error(kind::unavailable, "no answer"));
    EXPECT_EQ(finish(r), 1);
}

TEST_F(report_test, stopped_is_130_whatever_else_happened) {
    auto r = make();
    r.failed({"data/x", error(kind::io, "broken")});
    r.add("a", moved(3, 1));
    r.add("b", error(kind::stopped, "stopped"));
    EXPECT_EQ(finish(r), 130);
    EXPECT_THAT(problems_.str(), HasSubstr("interrupted"));
}

TEST_F(report_test, json_has_the_failures_and_the_summary_of_the_contract) {
    call_.given.json = true;
    auto r = make();
    r.failed({"data/x", error(kind::not_found, "no blob ?sig=topsecret", "look again")
                            .with_service("BlobNotFound", 404, "id-1")});
    r.add("data", moved(2, 1, 4));
    EXPECT_EQ(finish(r), 1);
    EXPECT_THAT(
        out_.str(),
        StartsWith(
            R"({"type":"failure","path":"data/x","code":"BlobNotFound","status":404,"request_id":"id-1",)"));
    EXPECT_THAT(out_.str(), HasSubstr(R"("advice":"look again"})"));
    EXPECT_THAT(out_.str(), Not(HasSubstr("topsecret")));
    EXPECT_THAT(
        out_.str(),
        HasSubstr("\n"
                  R"({"type":"summary","verb":"upload","files":2,"bytes":2097152,"skipped":4,"failed":1,)"
                  R"("requests":0,"bytes_sent":0,"bytes_received":0,"hedged":0,"elapsed_s":)"));
    EXPECT_THAT(out_.str(), EndsWith("}\n"));
}

TEST_F(report_test, a_dry_run_names_what_it_would_do) {
    call_.given.dry_run = true;
    auto r = make();
    r.item("upload", "data/x", 2048);
    r.item("skip", "data/y", 1);
    r.add("data", moved(1, 0, 1));
    EXPECT_EQ(finish(r), 0);
    EXPECT_THAT(out_.str(),
                StartsWith("would upload data/x (2 KiB)\nwould have uploaded 1 file, 1 MiB; 1 unchanged"));
}

}  // namespace
}  // namespace act::cli
