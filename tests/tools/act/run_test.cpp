// `act run`: lines taken apart, checked, and carried out at the same time over one set of resources.

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tool.hpp"
#include "tools/act/command_line.hpp"
#include "tools/act/line_output.hpp"
#include "tools/act/line_source.hpp"
#include "tools/act/screen.hpp"

namespace act::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> split(std::string_view line) {
    auto words = split_command(line);
    EXPECT_TRUE(words) << (words ? "" : words.error().describe());
    return words ? std::move(*words) : std::vector<std::string>();
}

std::string refused(std::string_view line, const options& of_run = {}) {
    auto parsed = parse_command(line, of_run);
    EXPECT_FALSE(parsed) << line;
    if (parsed) return {};
    EXPECT_EQ(parsed.error().kind(), kind::usage) << line;
    EXPECT_FALSE(parsed.error().advice().empty()) << line;
    return parsed.error().message();
}

TEST(command_line, words_are_those_of_a_shell_without_expansion) {
    EXPECT_THAT(split("cp ./a  eu:b\t"), ElementsAre("cp", "./a", "eu:b"));
    EXPECT_THAT(split(R"(cp 'it is "one"' "and \"two\" \$x \n" a\ b '')"),
                ElementsAre("cp", "it is \"one\"", "and \"two\" $x \\n", "a b", ""));
    EXPECT_THAT(split("a'b'\"c\"d"), ElementsAre("abcd"));
    EXPECT_THAT(split("rm $HOME/*.txt ~ https://h/c?a=1&b=2"),
                ElementsAre("rm", "$HOME/*.txt", "~", "https://h/c?a=1&b=2"));
    EXPECT_THAT(split("ls data # the rest"), ElementsAre("ls", "data"));
    EXPECT_THAT(split("ls a#b '#' \\#"), ElementsAre("ls", "a#b", "#", "#"));
    EXPECT_THAT(split("ls data\r"), ElementsAre("ls", "data"));
    for (const char* nothing : {"", "  ", "# only this", "\t# and this"})
        EXPECT_THAT(split(nothing), IsEmpty());
}

TEST(command_line, what_is_open_or_for_a_shell_is_refused) {
    EXPECT_THAT(refused("cp 'a b"), HasSubstr("not closed"));
    EXPECT_THAT(refused("cp \"a b\\\""), HasSubstr("not closed"));
    EXPECT_THAT(refused("cp a \\"), HasSubstr("backslash"));
    EXPECT_THAT(refused("ls a > b"), HasSubstr("`>`"));
    EXPECT_THAT(refused("ls a | head"), HasSubstr("`|`"));
    EXPECT_THAT(split("set --tag a='|' '>' b"), ElementsAre("set", "--tag", "a=|", ">", "b"));
    EXPECT_FALSE(split_command(std::string_view("ls a\0b", 6)));
}

TEST(command_line, lines_are_checked_as_far_as_that_goes) {
    EXPECT_THAT(refused("cp a"), HasSubstr("destination"));
    EXPECT_THAT(refused("act"), HasSubstr("verb"));
    EXPECT_THAT(refused("cpp a b"), HasSubstr("unknown verb"));
    EXPECT_THAT(refused("cp --recursive a b:"), HasSubstr("--recursive"));
    EXPECT_THAT(refused("rm data/x"), HasSubstr("asks"));
    EXPECT_THAT(refused("cat data/x"), HasSubstr("mixed"));
    EXPECT_THAT(refused("cp - eu:x"), HasSubstr("standard input"));
    EXPECT_THAT(refused("u --from-list - data"), HasSubstr("standard input"));
    EXPECT_THAT(refused("check --manifest - data"), HasSubstr("standard input"));
    EXPECT_TRUE(parse_command("check --manifest m data", {}));
    for (const char* line : {"run other.txt", "bench", "serve", "submit python3 x.py", "q", "config"})
        EXPECT_THAT(refused(line), HasSubstr("cannot be a line"));
    for (const char* option : {"--json", "--memory=64MiB", "--concurrency=4", "--threads=2", "--cap-ops=5",
                               "--log-level=debug", "--help"})
        EXPECT_THAT(refused(std::string("u ") + option + " data"), HasSubstr("all lines"));
}

TEST(command_line, what_run_was_given_holds_for_lines_that_say_nothing_else) {
    options of_run;
    of_run.cluster = "eu";
    of_run.dry_run = of_run.json = true;
    auto plain = parse_command("act u data", of_run);
    ASSERT_TRUE(plain && *plain);
    EXPECT_THAT((*plain)->words, ElementsAre("u", "data"));
    EXPECT_EQ((*plain)->call.given.cluster, "eu");
    EXPECT_TRUE((*plain)->call.given.dry_run && (*plain)->call.given.json);
    auto own = parse_command("-c we ls data", of_run);
    ASSERT_TRUE(own && *own);
    EXPECT_EQ((*own)->call.given.cluster, "we");
    EXPECT_FALSE((*own)->call.given.dry_run) << "it changes nothing anyway";
    // Nobody is asked in a dry run.
    EXPECT_TRUE(parse_command("rm data/x", of_run));
    EXPECT_FALSE(*parse_command("  # nothing", of_run));
}

TEST(line_output, lines_come_whole_with_their_number) {
    std::ostringstream out, problems;
    screen s(out, problems, false);
    {
        line_output plain(s, line_output::channel::results, "f:7", 7, false);
        line_output json(s, line_output::channel::results, "f:8", 8, true);
        line_output wrong(s, line_output::channel::problems, "f:7", 7, false);
        plain << "one\ntw";
        json << "{\"type\":\"summary\"}\n";
        plain << "o\n" << std::flush;
        wrong << "act: it broke\n  try again\n";
        EXPECT_EQ(out.str(), "") << "what belongs together comes together";
    }
    EXPECT_EQ(out.str(), "{\"type\":\"summary\",\"line\":8}\n7: one\n7: two\n");
    EXPECT_EQ(problems.str(), "act: f:7: it broke\n  try again\n");
}

TEST(line_output, much_of_it_is_handed_on_in_between) {
    std::ostringstream out, problems;
    screen s(out, problems, false);
    line_output many(s, line_output::channel::results, "f:1", 1, false);
    for (int i = 0; i < 20'000; ++i) many << "0123456789\n";
    EXPECT_GT(out.str().size(), 200'000u);
    out.setstate(std::ios::badbit);
    EXPECT_FALSE(many << "nobody reads this\n");
}

class run_test : public tool_test {
protected:
    outcome run_lines(const std::string& lines, std::vector<std::string> more = {}) {
        write("commands", lines);
        more.insert(more.begin(), {"run"});
        more.push_back("commands");
        return act(more);
    }
};

TEST_F(run_test, many_commands_over_one_store) {
    std::string lines = "# all of them\n\n";
    for (int i = 0; i < 40; ++i) {
        write("in/" + std::to_string(i), fmt::format("content {}", i));
        lines += fmt::format("{}cp './in/{}' local:data/{}  # one\n", i % 2 ? "act " : "", i, i);
    }
    const auto sent = run_lines(lines);
    EXPECT_EQ(sent.code, 0) << sent.problems;
    EXPECT_THAT(sent.out, HasSubstr("\nran 40 commands in "));
    EXPECT_THAT(sent.out, HasSubstr("; 0 failed\n"));
    EXPECT_THAT(sent.out, HasSubstr("3: copied 1 file"));
    EXPECT_THAT(sent.out, HasSubstr("42: copied 1 file"));
    const auto listed = act({"ls", "data"});
    EXPECT_THAT(listed.out, HasSubstr("\n40 blobs"));
    const auto back =
        run_lines("d data/7\nls data\nrm --yes data/8\ncp local:data/9 ./nine\n", {"--jobs", "1"});
    EXPECT_EQ(back.code, 0) << back.problems;
    EXPECT_EQ(read_file(project("data/7")), "content 7");
    EXPECT_EQ(read_file(project("nine")), "content 9");
    EXPECT_THAT(back.out, HasSubstr("2: 40 blobs"));
}

TEST_F(run_test, a_wrong_line_of_a_file_is_found_before_anything_is_done) {
    write("in/a", "a");
    for (const char* wrong : {"cp ./in/a", "frobnicate", "rm data", "u --memory 64MiB in"}) {
        const auto o = run_lines(std::string("u in\n\n") + wrong + "\n");
        EXPECT_EQ(o.code, 2) << wrong;
        EXPECT_THAT(o.problems, HasSubstr("commands:3: "));
        EXPECT_THAT(o.out, IsEmpty());
    }
    EXPECT_EQ(act({"ls", "in"}).code, 5) << "nothing was sent";
}

TEST_F(run_test, a_wrong_line_of_a_stream_fails_by_itself) {
    write("in/a", "a");
    input_ = "u in\nfrobnicate\nls in";
    const auto o = act({"run", "--jobs", "1", "-"});
    EXPECT_EQ(o.code, 1);
    EXPECT_THAT(o.problems, HasSubstr("act: -:2: unknown verb"));
    EXPECT_THAT(o.problems, HasSubstr("\nfrobnicate  # -:2, exit code 2\n"));
    EXPECT_THAT(o.out, HasSubstr("3: 1 blob"));
    EXPECT_THAT(o.out, HasSubstr("ran 3 commands in "));
}

TEST_F(run_test, what_failed_is_listed_so_that_it_runs_again) {
    write("in/a", "a");
    const auto o = run_lines("u in\nd data/missing # why not\ncp ./gone local:in/\nact ls 'data/no such'\n");
    EXPECT_EQ(o.code, 1);
    EXPECT_THAT(o.problems, HasSubstr("act: 3 of 4 commands not done; to do them, run these lines again:\n"
                                      "d data/missing # why not  # commands:2, exit code 5\n"
                                      "cp ./gone local:in/  # commands:3, exit code 5\n"
                                      "act ls 'data/no such'  # commands:4, exit code 5\n"));
    EXPECT_THAT(o.problems, HasSubstr("act: commands:2: "));
    // Nothing worked, for one reason.
    EXPECT_EQ(run_lines("d data/missing\nls data/gone\n").code, 5);
}

TEST_F(run_test, json_lines_carry_the_line_of_their_command) {
    write("in/a", "four");
    const auto o = run_lines("u in\n\nls data/none\n", {"--json"});
    EXPECT_EQ(o.code, 1);
    EXPECT_THAT(o.out, HasSubstr("\"verb\":\"upload\",\"files\":1,\"bytes\":4,\"skipped\":0,\"failed\":0,"));
    EXPECT_THAT(o.out, HasSubstr("{\"type\":\"command\",\"command\":\"u in\",\"exit_code\":0,\"line\":1}\n"));
    EXPECT_THAT(
        o.out, HasSubstr("{\"type\":\"command\",\"command\":\"ls data/none\",\"exit_code\":5,\"line\":3}\n"));
    const std::string last = o.out.substr(o.out.rfind('\n', o.out.size() - 2) + 1);
    EXPECT_THAT(last, HasSubstr("{\"type\":\"summary\",\"verb\":\"run\",\"files\":1,\"bytes\":4,"));
    EXPECT_THAT(last, HasSubstr("\"commands\":2,\"commands_failed\":1}"));
    EXPECT_THAT(last, Not(HasSubstr("\"line\"")));
}

TEST_F(run_test, each_command_counts_its_own_requests) {
    for (const char* name : {"one/a", "two/a", "two/b", "two/c"}) write(name, name);
    // The container is there, so that nobody has to make it.
    act({"mkcontainer", "local:"});
    const auto o = run_lines("u one\nu two\n", {"--json", "--jobs", "1"});
    auto requests = [&](const std::string& line) {
        const std::size_t end = o.out.find(",\"line\":" + line + "}\n");
        const std::size_t at = o.out.rfind("\"requests\":", end);
        return std::stoi(o.out.substr(at + 11));
    };
    const auto alone = act({"u", "--force", "--json", "two"});
    EXPECT_THAT(alone.out, HasSubstr(fmt::format("\"requests\":{},", requests("2"))));
    EXPECT_EQ(requests("2"), requests("1") + 2);
}

TEST_F(run_test, a_dry_run_does_nothing) {
    write("in/a", "a");
    const auto o = run_lines("u in\n", {"--dry-run"});
    EXPECT_EQ(o.code, 0) << o.problems;
    EXPECT_THAT(o.out, HasSubstr("/in/a (1 B)\n1: would have uploaded 1 file"));
    EXPECT_EQ(act({"ls", "in"}).code, 5);
}

TEST_F(run_test, files_that_are_no_lists_of_commands) {
    EXPECT_EQ(act({"run", "nowhere"}).code, 5);
    EXPECT_EQ(act({"run"}).code, 2);
    EXPECT_EQ(act({"run", "a", "b"}).code, 2);
    EXPECT_EQ(run_lines("").code, 0);
    EXPECT_EQ(run_lines("ls " + std::string(line_source::form{}.longest + 100'000, 'x') + "\n").code, 2);
    const auto last = run_lines("ls data/x");
    EXPECT_THAT(last.problems, HasSubstr("ls data/x  # commands:1, exit code 5"));
}

}  // namespace
}  // namespace act::cli
