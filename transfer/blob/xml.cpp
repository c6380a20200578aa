#include "transfer/blob/xml.hpp"

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace act::blob::xml {
namespace {

std::string_view entity_for(char c) {
    switch (c) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&apos;";
        // A parser would otherwise normalise these.
        case '\r':
            return "&#13;";
        case '\n':
            return "&#10;";
        case '\t':
            return "&#9;";
        default:
            return {};
    }
}

bool allowed(std::uint32_t c) {
    if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
    return (c < 0xD800) || (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

void append_utf8(std::string& out, std::uint32_t c) {
    auto put = [&](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6), put(0x80 | (c & 63));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    } else {
        put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
    }
}

/// "#38", "#x26" without the ampersand and semicolon.
bool append_reference(std::string& out, std::string_view digits) {
    bool hex = !digits.empty() && (digits[0] == 'x');
    if (hex) digits.remove_prefix(1);
    if (digits.empty() || digits.size() > 8) return false;
    std::uint32_t value = 0;
    for (char c : digits) {
        std::uint32_t d = 0;
        if (c >= '0' && c <= '9') {
            d = static_cast<std::uint32_t>(c - '0');
        } else if (hex && c >= 'a' && c <= 'f') {
            d = static_cast<std::uint32_t>(c - 'a' + 10);
        } else if (hex && c >= 'A' && c <= 'F') {
            d = static_cast<std::uint32_t>(c - 'A' + 10);
        } else {
            return false;
        }
        value = value * (hex ? 16 : 10) + d;
        if (value > 0x10FFFF) return false;
    }
    if (!allowed(value)) return false;
    append_utf8(out, value);
    return true;
}

}  // namespace

void escape(std::string& out, std::string_view text) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto c = static_cast<unsigned char>(text[i]);
        if (c > '>') continue;  // all that need it are at or below
        auto entity = entity_for(text[i]);
        if (entity.empty()) continue;
        out.append(text, from, i - from).append(entity);
        from = i + 1;
    }
    out.append(text, from);
}

bool representable(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80) {
            if (!allowed(lead)) return false;
            ++i;
            continue;
        }
        std::size_t more = lead >= 0xF0 && lead < 0xF8 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC2 ? 1 : 0;
        if (more == 0 || lead >= 0xF8 || i + more >= text.size()) return false;
        std::uint32_t c = lead & (0x3Fu >> more);
        for (std::size_t k = 1; k <= more; ++k) {
            auto b = static_cast<unsigned char>(text[i + k]);
            if ((b & 0xC0) != 0x80) return false;
            c = c << 6 | (b & 0x3F);
        }
        static constexpr std::array<std::uint32_t, 4> shortest = {0, 0x80, 0x800, 0x10000};
        if (c < shortest[more] || !allowed(c)) return false;
        i += more + 1;
    }
    return true;
}

bool plain(std::string_view text) {
    // Eight bytes at a time: the highest bit of each stays clear unless one of them is of another kind.
    constexpr std::uint64_t ones = 0x0101010101010101, highest = ones * 0x80;
    auto below = [](std::uint64_t word, std::uint64_t limit) { return (word - ones * limit) & ~word; };
    auto other_in = [&](std::uint64_t word) {
        const std::uint64_t quote = word ^ (ones * '"');
        const std::uint64_t amp_or_apostrophe = (word | ones) ^ (ones * '\'');
        const std::uint64_t angle = (word | (ones * 2)) ^ (ones * '>');
        return (word | below(word, 0x20) | below(quote, 1) | below(amp_or_apostrophe, 1) | below(angle, 1)) &
               highest;
    };
    std::uint64_t word = 0, other = 0;
    std::size_t at = 0;
    for (; text.size() - at >= sizeof word; at += sizeof word) {
        std::memcpy(&word, text.data() + at, sizeof word);
        other |= other_in(word);
    }
    if (at < text.size()) {
        word = ones * 'a';
        std::memcpy(&word, text.data() + at, text.size() - at);
        other |= other_in(word);
    }
    return other == 0;
}

bool unescape(std::string& out, std::string_view raw) {
    for (;;) {
        auto amp = raw.find('&');
        out.append(raw.substr(0, amp));
        if (amp == raw.npos) return true;
        raw.remove_prefix(amp + 1);
        auto end = raw.substr(0, 12).find(';');
        if (end == raw.npos) return false;
        auto name = raw.substr(0, end);
        raw.remove_prefix(end + 1);
        if (name == "amp") {
            out.push_back('&');
        } else if (name == "lt") {
            out.push_back('<');
        } else if (name == "gt") {
            out.push_back('>');
        } else if (name == "quot") {
            out.push_back('"');
        } else if (name == "apos") {
            out.push_back('\'');
        } else if (name.starts_with('#')) {
            if (!append_reference(out, name.substr(1))) return false;
        } else {
            return false;
        }
    }
}

writer::writer(std::size_t reserve) {
    out_.reserve(reserve);
    out_ = R"(<?xml version="1.0" encoding="utf-8"?>)";
}

void writer::end_tag() {
    if (in_tag_) out_.push_back('>');
    in_tag_ = false;
}

writer& writer::open(std::string_view name) {
    end_tag();
    out_.push_back('<');
    out_.append(name);
    open_.push_back(name);
    in_tag_ = true;
    return *this;
}

writer& writer::attribute(std::string_view name, std::string_view value) {
    out_.push_back(' ');
    out_.append(name).append("=\"");
    escape(out_, value);
    out_.push_back('"');
    return *this;
}

writer& writer::text(std::string_view text) {
    end_tag();
    escape(out_, text);
    return *this;
}

writer& writer::close() {
    auto name = open_.back();
    open_.pop_back();
    if (in_tag_) {
        out_.append(" />");
        in_tag_ = false;
    } else {
        out_.append("</").append(name).push_back('>');
    }
    return *this;
}

writer& writer::element(std::string_view name, std::string_view text) {
    end_tag();
    out_.push_back('<');
    out_.append(name);
    if (text.empty()) {
        out_.append(" />");
        return *this;
    }
    out_.push_back('>');
    escape(out_, text);
    out_.append("</").append(name).push_back('>');
    return *this;
}

writer& writer::element(std::string_view name, std::uint64_t number) {
    return element(name, fmt::format_int(number).c_str());
}

writer& writer::optional(std::string_view name, std::string_view text) {
    return text.empty() ? *this : element(name, text);
}

writer& writer::raw(std::string_view markup) {
    end_tag();
    out_.append(markup);
    return *this;
}

std::string writer::take() {
    while (!open_.empty()) close();
    return std::move(out_);
}

}  // namespace act::blob::xml
