#include "transfer/blob/xml.hpp"

#include <array>
#include <optional>

#include <fmt/format.h>

namespace act::blob::xml {
namespace {

constexpr std::size_t max_depth = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

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

// ---- writer

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

// ---- reader

reader::reader(std::string_view document) : rest_(document) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
}

reader::event reader::fail(std::string why) {
    if (!failed_) why_ = std::move(why);
    failed_ = true;
    return event::malformed;
}

error reader::problem() const { return error(kind::protocol, "malformed XML: " + why_); }

reader::event reader::next() {
    if (failed_) return event::malformed;
    if (pending_close_) {
        pending_close_ = false;
        open_.pop_back();
        return event::close;
    }
    for (;;) {
        if (open_.empty()) {
            while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
            if (rest_.empty()) return started_ ? event::done : fail("the document is empty");
            if (rest_.front() != '<') return fail("text outside of the root element");
        }
        if (rest_.empty()) return fail(fmt::format("ends inside of <{}>", open_.back()));
        if (rest_.front() != '<') {
            auto raw = rest_.substr(0, rest_.find('<'));
            rest_.remove_prefix(raw.size());
            text_.clear();
            if (!unescape(text_, raw)) return fail("unknown entity");
            return event::text;
        }
        auto past = [&](std::string_view opening,
                        std::string_view closing) -> std::optional<std::string_view> {
            auto end = rest_.find(closing, opening.size());
            if (end == rest_.npos) return std::nullopt;
            auto inside = rest_.substr(opening.size(), end - opening.size());
            rest_.remove_prefix(end + closing.size());
            return inside;
        };
        if (rest_.starts_with("<!--")) {
            if (!past("<!--", "-->")) return fail("unfinished comment");
        } else if (rest_.starts_with("<![CDATA[")) {
            auto inside = past("<![CDATA[", "]]>");
            if (!inside || open_.empty()) return fail("misplaced or unfinished CDATA section");
            text_ = *inside;
            return event::text;
        } else if (rest_.starts_with("<?")) {
            if (!past("<?", "?>")) return fail("unfinished processing instruction");
        } else if (rest_.starts_with("<!")) {
            return fail("document type declarations are refused");
        } else {
            char quote = 0;
            for (std::size_t i = 1; i < rest_.size(); ++i) {
                char c = rest_[i];
                if (quote) {
                    if (c == quote) quote = 0;
                } else if (c == '"' || c == '\'') {
                    quote = c;
                } else if (c == '>') {
                    return tag(i);
                } else if (c == '<') {
                    break;
                }
            }
            return fail("unfinished tag");
        }
    }
}

reader::event reader::tag(std::size_t end) {
    auto inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    bool closing = inside.starts_with('/');
    if (closing) inside.remove_prefix(1);
    bool empty = !closing && inside.ends_with('/');
    if (empty) inside.remove_suffix(1);

    std::size_t n = 0;
    while (n < inside.size() && !is_space(inside[n])) ++n;
    auto full = inside.substr(0, n);
    attributes_ = inside.substr(n);
    if (full.empty()) return fail("a tag without a name");
    name_ = full.substr(full.find(':') == full.npos ? 0 : full.find(':') + 1);
    if (closing) {
        if (open_.empty() || open_.back() != full) return fail(fmt::format("</{}> closes nothing", full));
        open_.pop_back();
        return event::close;
    }
    if (open_.empty() && started_) return fail("a second root element");
    if (open_.size() >= max_depth) return fail("nested too deeply");
    started_ = true;
    open_.push_back(full);
    pending_close_ = empty;
    return event::open;
}

std::string reader::attribute(std::string_view name) const {
    auto rest = attributes_;
    for (;;) {
        while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
        auto equals = rest.find('=');
        if (equals == rest.npos) return {};
        auto key = rest.substr(0, equals);
        while (!key.empty() && is_space(key.back())) key.remove_suffix(1);
        rest.remove_prefix(equals + 1);
        while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
        if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return {};
        auto end = rest.find(rest[0], 1);
        if (end == rest.npos) return {};
        if (key == name) {
            std::string value;
            return unescape(value, rest.substr(1, end - 1)) ? value : std::string();
        }
        rest.remove_prefix(end + 1);
    }
}

result<std::string> reader::content() {
    std::string out;
    for (int depth = 1;;) {
        switch (next()) {
            case event::open:
                ++depth;
                break;
            case event::close:
                if (--depth == 0) return out;
                break;
            case event::text:
                if (depth == 1) out += text_;
                break;
            default:
                return problem();
        }
    }
}

result<void> reader::skip() {
    auto ignored = content();
    if (!ignored) return ignored.error();
    return {};
}

result<bool> next_child(reader& r) {
    for (;;) {
        switch (r.next()) {
            case reader::event::open:
                return true;
            case reader::event::close:
            case reader::event::done:
                return false;
            case reader::event::text:
                break;
            case reader::event::malformed:
                return r.problem();
        }
    }
}

}  // namespace act::blob::xml
