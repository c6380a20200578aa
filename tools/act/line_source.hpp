#pragma once

#include <istream>
#include <optional>
#include <string>

#include "engine/file/stream.hpp"

namespace act::cli {

struct world;

/// The lines of a text that may be longer than memory: a file, or standard input, whose waits end on the stop
/// signal.
class line_source {
public:
    struct form {
        char separator = '\n';  ///< a '\r' before '\n' goes with it
        std::size_t longest = 1 << 20;
        const char* advice = "is this a text of commands?";  ///< on a line that is longer
    };

    /// "-" is standard input. kind::usage for a folder.
    static result<line_source> open(const world&, const std::string& name, form);

    /// The next line without its end; nothing at the end. kind::usage for one that is too long.
    result<std::optional<std::string>> next(const until&);
    /// next() will not wait.
    bool ready() const { return ended_ || text_.find(form_.separator, at_) != std::string::npos; }
    /// Of the line that next() gave last, from 1.
    std::uint64_t number() const { return number_; }
    /// True: begin again from the start. False where that cannot be done: a pipe, a terminal.
    bool rewind();

private:
    result<bool> fill(const until&);

    file::descriptor file_;
    std::optional<file::stream_reader> reader_;
    std::istream* stream_ = nullptr;  ///< instead of the reader, for tests
    form form_;
    std::string text_;
    std::size_t at_ = 0;
    bool ended_ = false;
    std::uint64_t number_ = 0;
};

}  // namespace act::cli
