#include "tools/act/text.hpp"

#include <algorithm>

#include "engine/core/units.hpp"

namespace act::cli {

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string elide_middle(std::string_view text, std::size_t width) {
    std::size_t have = width_of(text);
    if (have <= width) return std::string(text);
    if (width <= 3) return std::string(width, '.');
    // The end tells files of one folder apart, so it gets the odd column.
    std::size_t head = (width - 3) / 2;
    std::size_t tail = width - 3 - head;
    auto skip = [](std::string_view t, std::size_t characters) {
        std::size_t at = 0;
        for (; characters > 0 && at < t.size(); --characters) {
            do ++at;
            while (at < t.size() && (t[at] & 0xc0) == 0x80);
        }
        return at;
    };
    std::string out(text.substr(0, skip(text, head)));
    out += "...";
    out += text.substr(skip(text, have - tail));
    return out;
}

std::string shell_quoted(std::string_view word) {
    static constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
    std::string out = "'";
    for (char c : word) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out += '\'';
}

std::string shell_quoted(const std::vector<std::string>& words) {
    std::string line;
    for (const auto& word : words) {
        if (!line.empty()) line += ' ';
        line += shell_quoted(word);
    }
    return line;
}

std::string counted(std::uint64_t count, std::string_view thing) {
    std::string out = human_count(count);
    out += ' ';
    out += thing;
    if (count != 1) out += 's';
    return out;
}

}  // namespace act::cli
