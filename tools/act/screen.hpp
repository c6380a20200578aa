#pragma once

#include <iosfwd>
#include <mutex>
#include <string>
#include <string_view>

namespace act::cli {

/// Where lines go: results to one stream, problems to the other, and on a terminal one status line that is
/// redrawn in place below the problems. Thread-safe. When the reader of the results is gone (EPIPE) they are
/// dropped in silence.
class screen {
public:
    screen(std::ostream& out, std::ostream& problems, bool out_is_terminal);
    ~screen();
    screen(const screen&) = delete;
    screen& operator=(const screen&) = delete;

    /// From now on lines of results go where problems go: bytes for standard output pass by here.
    void results_aside();
    /// A line of results; buffered.
    void result(std::string_view line);
    /// Several, each with its end.
    void lines(std::string_view text);
    /// A job's output as it is, and out at once: to the results, or to the problems.
    void raw(std::string_view bytes);
    void raw_problem(std::string_view bytes);
    /// A line for people: "act: text", redacted, control characters made visible.
    void problem(std::string_view text);
    /// The same without "act: ", for what belongs to the line before.
    void detail(std::string_view text);
    /// A question; the cursor stays behind it.
    void ask(std::string_view text);

    /// Shows `line` as the status line instead of the one before; empty: removes it.
    void status(std::string_view line);

    bool results_gone() const;
    void flush();
    /// What was given to the first stream could not all be written: the errno; 0 if it could, or if its
    /// reader had left.
    int results_lost() const;

private:
    void write_problem(std::string_view line);
    void hide_status();
    void note_loss();

    mutable std::mutex mutex_;
    std::ostream* out_;
    std::ostream& problems_;
    bool out_is_terminal_;
    bool aside_ = false;  ///< `out_` is the stream of the problems
    int lost_ = 0;        ///< why the results' own stream went bad: an errno
    std::string status_;
};

}  // namespace act::cli
