#include "tools/act/json.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"

namespace act::cli {

namespace {

// Bytes of the character that `text` begins with, 0 when that is not UTF-8.
std::size_t character_at(std::string_view text) {
    for (std::size_t length = 2; length <= std::min<std::size_t>(4, text.size()); ++length) {
        if (is_utf8(text.substr(0, length))) return length;
    }
    return 0;
}

bool plain(std::string_view text) {
    bool other = false;
    for (char c : text) other |= (c < 0x20) | (c == 0x7f) | (c == '"') | (c == '\\');
    return !other;
}

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    if (plain(text)) {
        out += text;
        out += '"';
        return;
    }
    const bool valid = is_utf8(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x80) {
            std::size_t length = valid ? 1 : character_at(text.substr(at));
            out += length == 0 ? "\xef\xbf\xbd" : text.substr(at, length);
            at += std::max<std::size_t>(length, 1) - 1;
            continue;
        }
        switch (byte) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (byte < 0x20 || byte == 0x7f) {
                    out += fmt::format("\\u{:04x}", byte);
                } else {
                    out += static_cast<char>(byte);
                }
        }
    }
    out += '"';
}

}  // namespace

std::string json_quoted(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

json_line& json_line::raw(std::string_view key, std::string_view value) {
    if (text_.size() > 1) text_ += ',';
    append_quoted(text_, key);
    text_ += ':';
    text_ += value;
    return *this;
}

json_line& json_line::add(std::string_view key, std::string_view value) {
    raw(key, {});
    append_quoted(text_, value);
    return *this;
}

json_line& json_line::add(std::string_view key, const std::vector<std::string>& values) {
    std::string list = "[";
    for (const auto& value : values) {
        if (list.size() > 1) list += ',';
        append_quoted(list, value);
    }
    return raw(key, list += ']');
}

json_line& json_line::add(std::string_view key, double value) {
    return std::isfinite(value) ? raw(key, fmt::format("{:.3f}", value)) : null(key);
}

}  // namespace act::cli
