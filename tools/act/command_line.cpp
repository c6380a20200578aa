#include "tools/act/command_line.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"

namespace act::cli {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

constexpr std::string_view operators[] = {"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1"};

class splitter {
public:
    explicit splitter(std::string_view line) : line_(line) {}

    result<std::vector<std::string>> split() {
        for (;;) {
            while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
            if (at_ == line_.size() || line_[at_] == '#') return std::move(words_);
            ACT_TRY_VOID(take_word());
        }
    }

private:
    result<void> take_word() {
        std::string word;
        bool quoted = false;
        while (at_ < line_.size() && !is_blank(line_[at_])) {
            const char c = line_[at_++];
            if (c == '\'' || c == '"') {
                quoted = true;
                ACT_TRY_VOID(take_quoted(c, word));
            } else if (c == '\\') {
                if (at_ == line_.size()) {
                    return error(kind::usage, "the line ends in a backslash", "write a command on one line");
                }
                quoted = true;
                word += line_[at_++];
            } else {
                word += c;
            }
        }
        if (word.find('\0') != std::string::npos)
            return error(kind::usage, "the line holds a NUL", "is this a text?");
        if (!quoted && std::find(std::begin(operators), std::end(operators), word) != std::end(operators)) {
            return error(kind::usage, fmt::format("`{}` is for a shell, which does not read this", word),
                         "write one command a line; quote what is meant as it stands");
        }
        words_.push_back(std::move(word));
        return {};
    }

    result<void> take_quoted(char quote, std::string& word) {
        while (at_ < line_.size()) {
            const char c = line_[at_++];
            if (c == quote) return {};
            const bool escapes = quote == '"' && c == '\\' && at_ < line_.size() &&
                                 std::string_view("\"\\$`").find(line_[at_]) != std::string_view::npos;
            word += escapes ? line_[at_++] : c;
        }
        return error(kind::usage, fmt::format("a {} is not closed", quote), "close it on the same line");
    }

    std::string_view line_;
    std::size_t at_ = 0;
    std::vector<std::string> words_;
};

// What waits for nobody, and writes lines rather than bytes.
constexpr std::string_view batch_verbs[] = {"upload", "download", "cp",          "mv",      "sync",
                                            "check",  "ls",       "du",          "tree",    "set",
                                            "rm",     "url",      "mkcontainer", "undelete"};
constexpr std::string_view two_ended[] = {"cp", "mv", "sync", "check"};
// Of the process, or of all requests to an account.
constexpr std::string_view of_the_whole[] = {"--json",        "--log-level", "--threads", "--memory",
                                             "--cap-ops",     "--cap-mbps",  "--help",    "--version",
                                             "--concurrency", "--no-hedge"};

template <class Names>
bool among(const Names& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool changes_something(const verb& v) {
    const auto all = all_options();
    return std::any_of(all.begin(), all.end(),
                       [&](const option& o) { return o.name == "--dry-run" && o.belongs_to(v.name); });
}

result<void> check(const arguments& a) {
    for (const std::string_view name : of_the_whole) {
        if (a.given.seen.find(name) != a.given.seen.end()) {
            return error(kind::usage, fmt::format("{} concerns all lines together", name),
                         "give it to `act run`");
        }
    }
    if (!a.verb) return error(kind::usage, "a verb is missing", "run `act --help` to see them all");
    if (a.verb->name == "cat") {
        return error(kind::usage, "the bytes of several files would come out mixed",
                     "copy to a file: cp STORED ./FILE");
    }
    if (!among(batch_verbs, a.verb->name)) {
        return error(kind::usage, fmt::format("`{}` cannot be a line of `act run`", a.verb->name),
                     fmt::format("run `act {}` by itself", a.verb->name));
    }
    if (among(a.words, "-") || a.given.from_list == "-" || a.given.manifest == "-") {
        return error(kind::usage, "the lines have no standard input or output of their own",
                     "name a file, or run the command by itself");
    }
    if (among(two_ended, a.verb->name) && a.given.manifest.empty() && a.words.size() < 2) {
        return error(kind::usage, "a destination is missing",
                     fmt::format("for instance: {}", a.verb->examples.front().command));
    }
    if (a.verb->name == "rm" && !a.given.yes && !a.given.dry_run) {
        return error(kind::usage, "`rm` asks before it removes, and here is nobody to ask", "add --yes");
    }
    return {};
}

}  // namespace

result<std::vector<std::string>> split_command(std::string_view line) { return splitter(line).split(); }

result<std::optional<parsed_command>> parse_command(std::string_view line, const options& of_run) {
    ACT_TRY(auto words, split_command(line));
    if (words.empty()) return std::optional<parsed_command>();
    if (words.front() == "act") words.erase(words.begin());
    ACT_TRY(arguments a, parse_arguments(words));
    if (a.verb && changes_something(*a.verb)) a.given.dry_run |= of_run.dry_run;
    ACT_TRY_VOID(check(a));
    if (a.given.cluster.empty()) a.given.cluster = of_run.cluster;
    a.given.json = of_run.json;
    return std::optional(parsed_command{std::move(words), std::move(a)});
}

}  // namespace act::cli
