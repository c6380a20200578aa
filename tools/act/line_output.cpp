#include "tools/act/line_output.hpp"

#include <fmt/format.h>

#include "tools/act/screen.hpp"

namespace act::cli {

line_output::line_output(screen& to, channel c, std::string place, std::uint64_t number, bool json)
    : std::ostream(nullptr), to_(to), channel_(c), place_(std::move(place)), number_(number), json_(json) {
    rdbuf(this);
}

line_output::~line_output() {
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
    hand_on();
}

std::string line_output::tagged(std::string_view line) const {
    if (channel_ == channel::problems) {
        constexpr std::string_view ours = "act: ";
        if (!line.starts_with(ours)) return std::string(line);
        return fmt::format("{}{}: {}", ours, place_, line.substr(ours.size()));
    }
    if (!json_) return fmt::format("{}: {}", number_, line);
    if (!line.ends_with('}')) return std::string(line);
    return fmt::format("{},\"line\":{}}}", line.substr(0, line.size() - 1), number_);
}

void line_output::hand_on() {
    const std::size_t end = text_.rfind('\n');
    if (end == std::string::npos) return;
    std::string out;
    for (std::size_t at = 0; at <= end;) {
        const std::size_t stop = text_.find('\n', at);
        out += tagged(std::string_view(text_).substr(at, stop - at));
        out += '\n';
        at = stop + 1;
    }
    text_.erase(0, end + 1);
    if (channel_ == channel::problems) {
        to_.raw_problem(out);
    } else {
        to_.lines(out);
    }
}

bool line_output::take(const char* bytes, std::size_t size) {
    if (channel_ == channel::results && to_.results_gone()) return false;
    text_.append(bytes, size);
    if (text_.size() > block) hand_on();
    return true;
}

line_output::int_type line_output::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char byte = traits_type::to_char_type(c);
    return take(&byte, 1) ? c : traits_type::eof();
}

std::streamsize line_output::xsputn(const char* bytes, std::streamsize size) {
    return take(bytes, static_cast<std::size_t>(size)) ? size : 0;
}

}  // namespace act::cli
