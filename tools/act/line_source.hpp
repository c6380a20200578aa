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
    static constexpr std::size_t longest = 1 << 20;

    /// "-" is standard input.
    static result<line_source> open(const world&, const std::string& name);

    /// The next line without its end; nothing at the end. kind::usage for one longer than `longest`.
    result<std::optional<std::string>> next(const until&);
    /// Of the line that next() gave last, from 1.
    std::uint64_t number() const { return number_; }
    /// True: begin again from the start. False where that cannot be done: a pipe, a terminal.
    bool rewind();

private:
    result<bool> fill(const until&);

    file::descriptor file_;
    std::optional<file::stream_reader> reader_;
    std::istream* stream_ = nullptr;  ///< instead of the reader, for tests
    std::string text_;
    std::size_t at_ = 0;
    bool ended_ = false;
    std::uint64_t number_ = 0;
};

}  // namespace act::cli
