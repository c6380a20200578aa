#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <streambuf>
#include <string>

namespace act::cli {

class screen;

/// A stream of one command among several at a time: hands whole lines, each with the number of the command's
/// own line, to the screen of all. They come in blocks, so that those of one command mostly stand together:
/// when more than `block` bytes have come, and when it ends. With a screen that nobody reads any more it goes
/// bad, as a stream into a closed pipe does.
class line_output final : private std::streambuf, public std::ostream {
public:
    enum class channel { results, problems };
    /// `json`: results are objects, and get a member "line"; else every line gets "N: " before it, or, as a
    /// problem, the place in the file behind "act: ".
    line_output(screen& to, channel, std::string place, std::uint64_t number, bool json);
    ~line_output() override;

    /// Hands on what has come, up to the last line's end.
    void hand_on();

private:
    static constexpr std::size_t block = 64 * 1024;
    int_type overflow(int_type) override;
    std::streamsize xsputn(const char*, std::streamsize) override;
    bool take(const char*, std::size_t);
    std::string tagged(std::string_view line) const;

    screen& to_;
    const channel channel_;
    const std::string place_;
    const std::uint64_t number_;
    const bool json_;
    std::string text_;
};

}  // namespace act::cli
