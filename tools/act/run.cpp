#include <algorithm>
#include <condition_variable>
#include <deque>
#include <queue>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "engine/core/secret.hpp"
#include "engine/core/units.hpp"
#include "engine/http/client.hpp"
#include "tools/act/command_line.hpp"
#include "tools/act/json.hpp"
#include "tools/act/line_output.hpp"
#include "tools/act/line_source.hpp"
#include "tools/act/progress_bar.hpp"
#include "tools/act/report.hpp"
#include "tools/act/screen.hpp"
#include "tools/act/session.hpp"
#include "tools/act/text.hpp"
#include "tools/act/verbs.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

struct command {
    std::uint64_t line = 0;
    std::string text;
    std::vector<std::string> words;  ///< of the text, for messages
    arguments parsed;
};

struct failed_command {
    std::uint64_t line = 0;
    std::string text;
    int code = 0;
    bool operator<(const failed_command& o) const { return line < o.line; }
};

/// Takes commands in order and works on `jobs` of them at a time.
class crew {
public:
    crew(invocation& call, resources& shared, std::string name)
        : call_(call), shared_(shared), name_(std::move(name)), queued_(2 * call.given.jobs) {
        for (unsigned i = 0; i < call.given.jobs; ++i) threads_.emplace_back([this] { work(); });
    }
    ~crew() { finish(); }
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;

    /// Waits while there is enough to do.
    void add(command c) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return queue_.size() < queued_; });
        queue_.push_back(std::move(c));
        work_.notify_one();
    }
    /// A line that could not even begin.
    void refuse(std::uint64_t line, std::string text, const error& e) {
        call_.screen.problem(fmt::format("{}:{}: {}", name_, line, e.describe()));
        if (!e.advice().empty()) call_.screen.detail("  " + e.advice());
        ended({line, std::move(text), exit_code(e.kind())});
    }
    void finish() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        work_.notify_all();
        for (auto& t : threads_) t.join();
        threads_.clear();
    }

    // After finish().
    std::uint64_t commands() const { return commands_; }
    std::uint64_t failures() const { return failures_; }
    const std::set<int>& codes() const { return codes_; }
    /// The first so many, by line.
    std::vector<failed_command> failed() {
        std::vector<failed_command> out;
        for (; !failed_.empty(); failed_.pop()) out.push_back(failed_.top());
        std::reverse(out.begin(), out.end());
        return out;
    }
    static constexpr std::size_t kept = 1000;

private:
    void work() {
        for (;;) {
            command next;
            {
                std::unique_lock lock(mutex_);
                work_.wait(lock, [this] { return closed_ || !queue_.empty(); });
                if (queue_.empty()) return;
                next = std::move(queue_.front());
                queue_.pop_front();
            }
            room_.notify_one();
            // What has not begun stays undone.
            const bool stopped = call_.world.stop.requested();
            const int code = stopped ? exit_code(kind::stopped) : carry_out(next);
            // Whoever writes the next line may wait for what became of this one.
            call_.screen.flush();
            ended({next.line, std::move(next.text), code});
        }
    }

    int carry_out(command& c) {
        using channel = line_output::channel;
        const bool json = call_.given.json;
        const std::string place = fmt::format("{}:{}", name_, c.line);
        std::istringstream nothing;
        line_output problems(call_.screen, channel::problems, place, c.line, json);
        line_output results(call_.screen, channel::results, place, c.line, json);
        world own{.arguments = std::move(c.words),
                  .in = nothing,
                  .out = results,
                  .problems = problems,
                  .environment = call_.world.environment,
                  .working_directory = call_.world.working_directory,
                  .out_is_terminal = call_.world.out_is_terminal,
                  .executable = call_.world.executable,
                  .stop = call_.world.stop};
        screen s(results, problems, false);
        invocation one{.verb = *c.parsed.verb,
                       .called = std::move(c.parsed.called),
                       .given = std::move(c.parsed.given),
                       .words = std::move(c.parsed.words),
                       .world = own,
                       .screen = s,
                       .shared = &shared_};
        for (const auto& warning : one.given.warnings) s.problem("warning: " + warning);
        int code = exit_code(kind::internal);
        try {
            code = one.verb.run(one);
        } catch (const std::exception& e) {
            s.problem(std::string("internal error: ") + e.what());
        }
        if (json) s.result(json_line("command").add("command", redact(c.text)).add("exit_code", code).text());
        return code;
    }

    void ended(failed_command c) {
        std::lock_guard lock(mutex_);
        ++commands_;
        if (c.code == 0) return;
        ++failures_;
        codes_.insert(c.code);
        // The first by line, not those that end first.
        failed_.push(std::move(c));
        if (failed_.size() > kept) failed_.pop();
    }

    invocation& call_;
    resources& shared_;
    const std::string name_;
    const std::size_t queued_;
    std::mutex mutex_;
    std::condition_variable work_, room_;
    std::deque<command> queue_;
    bool closed_ = false;
    std::uint64_t commands_ = 0, failures_ = 0;
    std::set<int> codes_;
    std::priority_queue<failed_command> failed_;  ///< the last line on top
    std::vector<std::thread> threads_;
};

/// Reads everything once, so that a line that is wrong is found before anything is done.
result<void> check_all(invocation& call, line_source& from, const std::string& name) {
    for (;;) {
        ACT_TRY(auto line, from.next({.stop = call.world.stop.token()}));
        if (!line) return {};
        if (auto parsed = parse_command(*line, call.given); !parsed) {
            const error& e = parsed.error();
            return error(e.kind(), fmt::format("{}:{}: {}", name, from.number(), e.message()), e.advice());
        }
    }
}

/// Hands all lines to the crew; what ended it early.
result<void> feed(invocation& call, line_source& from, crew& hands) {
    const until patience{.stop = call.world.stop.token()};
    for (;;) {
        ACT_TRY(auto line, from.next(patience));
        if (!line) return {};
        auto parsed = parse_command(*line, call.given);
        if (!parsed) {
            hands.refuse(from.number(), std::move(*line), parsed.error());
        } else if (*parsed) {
            hands.add(
                {from.number(), std::move(*line), std::move((*parsed)->words), std::move((*parsed)->call)});
        }
    }
}

void list_failed(invocation& call, crew& hands, const std::string& name) {
    const auto failed = hands.failed();
    if (failed.empty()) return;
    call.screen.problem(fmt::format("{} of {} not done; to do them, run these lines again:",
                                    human_count(hands.failures()), counted(hands.commands(), "command")));
    for (const auto& f : failed)
        call.screen.detail(fmt::format("{}  # {}:{}, exit code {}", f.text, name, f.line, f.code));
    if (hands.failures() > failed.size()) {
        call.screen.detail(fmt::format("# and {} more", human_count(hands.failures() - failed.size())));
    }
}

void tell_summary(invocation& call, resources& shared, const crew& hands) {
    const double seconds = std::chrono::duration<double>(steady::now() - call.started).count();
    if (!call.given.json) {
        call.screen.result(fmt::format("ran {} in {}; {} failed", counted(hands.commands(), "command"),
                                       human_duration(seconds), human_count(hands.failures())));
        return;
    }
    const progress& p = shared.progress();
    summary all;
    all.files = p.files_done;
    all.bytes = p.bytes_done;
    all.skipped = p.files_skipped;
    all.failed = p.files_failed;
    json_line line = summary_json(call.verb.name, all, shared.wire(), seconds);
    line.add("commands", hands.commands()).add("commands_failed", hands.failures());
    call.screen.result(line.text());
}

int exit_status(const crew& hands) {
    const auto& codes = hands.codes();
    if (codes.empty()) return 0;
    if (codes.contains(exit_code(kind::stopped))) return exit_code(kind::stopped);
    // Nothing worked: the cause, where there is but one.
    return hands.failures() == hands.commands() && codes.size() == 1 ? *codes.begin() : 1;
}

int run(invocation& call) {
    if (call.words.size() != 1) {
        return give_up(call,
                       error(kind::usage, "`act run` takes one file", "put all lines into it, or into `-`"));
    }
    const std::string& name = call.words.front();
    auto from = line_source::open(call.world, name, {});
    if (!from) return give_up(call, from.error());
    if (from->rewind()) {
        if (auto fine = check_all(call, *from, name); !fine) return give_up(call, fine.error());
        from->rewind();
    }
    resources shared(call.world, call.screen, call.given);
    crew hands(call, shared, name);
    result<void> fed;
    {
        progress_bar bar(call.world, call.screen, shared.progress());
        bar.expect_more(true);
        fed = feed(call, *from, hands);
        hands.finish();
    }
    const bool stopped = call.world.stop.requested();
    if (stopped) {
        call.screen.problem(
            fmt::format("interrupted; what stands behind line {} was not read", from->number()));
    } else if (!fed) {
        tell(call, error(fed.error()).in(name));
    }
    list_failed(call, hands, name);
    tell_summary(call, shared, hands);
    if (stopped) return exit_code(kind::stopped);
    const int code = exit_status(hands);
    return code == 0 && !fed ? exit_code(fed.error().kind()) : code;
}

constexpr example examples[] = {
    {"act run commands.txt", "a command a line, such as: cp ./a.bin eu:data/a.bin"},
    {"make-list | act run -", "lines as they come"},
    {"act run --jobs 64 commands.txt", "so many commands at a time"},
    {"act run --dry-run commands.txt", "check all lines, and show what they would do"},
    {"act run --json commands.txt | jq 'select(.line == 17)'", "what became of one line"},
};

}  // namespace

constinit const verb run_verb{
    .name = "run",
    .usage = "FILE|-",
    .sentence = "Run many commands in one process, as they stand in a file.",
    .takes = takes::some,
    .run = run,
    .examples = examples,
    .note =
        "A command a line, with or without `act` before it, in the quotes of a shell, which expands nothing "
        "here;\n"
        "# begins a comment. upload, download, cp, mv, sync, check, ls, du, tree, set, rm --yes, url and\n"
        "mkcontainer can stand there. All lines of a file are checked before the first one begins; those of\n"
        "standard input are taken as they come. The commands share connections, memory and what is known of\n"
        "accounts, and run at the same time, in no order: --jobs 1 keeps it.\n"
        "Every line of output begins with the number of its command's line (--json: has it as \"line\"). "
        "What\n"
        "was not done is listed at the end so that it can be run again, without the SAS of a URL.",
};

}  // namespace act::cli
