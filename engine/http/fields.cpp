#include <charconv>

#include "engine/http/chars.hpp"
#include "engine/http/message.hpp"

namespace act::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// A value that holds CR, LF or NUL could end the line early and smuggle in another field.
void append_clean(std::string& to, std::string_view text) {
    for (char c : text) {
        if (c != '\r' && c != '\n' && c != '\0') to.push_back(c);
    }
}

bool is_clean(std::string_view text) {
    for (char c : text) {
        if (c == '\r' || c == '\n' || c == '\0') return false;
    }
    return true;
}

void append(std::string& to, std::string_view text) {
    if (is_clean(text)) {
        to.append(text);
    } else {
        append_clean(to, text);
    }
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

std::string_view to_string(verb v) {
    switch (v) {
        case verb::get:
            return "GET";
        case verb::head:
            return "HEAD";
        case verb::put:
            return "PUT";
        case verb::post:
            return "POST";
        case verb::del:
            return "DELETE";
        case verb::options:
            return "OPTIONS";
        case verb::patch:
            return "PATCH";
    }
    return "GET";
}

void fields::add(std::string_view name, std::string_view value) {
    position p{};
    p.name = static_cast<std::uint32_t>(buffer_.size());
    append(buffer_, name);
    p.name_size = static_cast<std::uint32_t>(buffer_.size()) - p.name;
    buffer_.append(": ");
    p.value = static_cast<std::uint32_t>(buffer_.size());
    append(buffer_, value);
    p.value_size = static_cast<std::uint32_t>(buffer_.size()) - p.value;
    buffer_.append("\r\n");
    positions_.push_back(p);
}

void fields::add(std::string_view name, std::uint64_t value) {
    char digits[24];
    auto [end, failed] = std::to_chars(digits, digits + sizeof digits, value);
    add(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void fields::set(std::string_view name, std::string_view value) {
    // `value` may be a view into this object.
    std::string kept;
    if (value.data() >= buffer_.data() && value.data() < buffer_.data() + buffer_.size())
        value = kept = value;
    remove(name);
    add(name, value);
}

void fields::remove(std::string_view name) {
    for (std::size_t i = positions_.size(); i-- > 0;) {
        if (same_name(at(i).name, name)) erase(i);
    }
}

void fields::erase(std::size_t index) {
    const std::size_t begin = positions_[index].name;
    const std::size_t end = index + 1 < positions_.size() ? positions_[index + 1].name : buffer_.size();
    const auto gone = static_cast<std::uint32_t>(end - begin);
    buffer_.erase(begin, gone);
    positions_.erase(positions_.begin() + static_cast<std::ptrdiff_t>(index));
    for (std::size_t i = index; i < positions_.size(); ++i) {
        positions_[i].name -= gone;
        positions_[i].value -= gone;
    }
}

void fields::clear() {
    buffer_.clear();
    positions_.clear();
}

std::string_view fields::get(std::string_view name) const {
    for (std::size_t i = 0; i < positions_.size(); ++i) {
        if (positions_[i].name_size != name.size()) continue;
        const entry e = at(i);
        if (same_name(e.name, name)) return e.value;
    }
    return {};
}

bool fields::has(std::string_view name) const {
    for (std::size_t i = 0; i < positions_.size(); ++i) {
        if (same_name(at(i).name, name)) return true;
    }
    return false;
}

fields::entry fields::at(std::size_t index) const {
    const position& p = positions_[index];
    return {{buffer_.data() + p.name, p.name_size}, {buffer_.data() + p.value, p.value_size}};
}

bool fields::assign(std::string_view lines) {
    buffer_.assign(lines);
    positions_.clear();
    // The terminating NUL is neither a token nor a value character: no scan runs past the end.
    const char* text = buffer_.c_str();
    std::size_t i = 0;
    const std::size_t size = buffer_.size();
    while (i < size) {
        position p{};
        p.name = static_cast<std::uint32_t>(i);
        while (is_token(text[i])) ++i;
        p.name_size = static_cast<std::uint32_t>(i) - p.name;
        if (p.name_size == 0 || text[i] != ':') break;
        ++i;
        while (text[i] == ' ' || text[i] == '\t') ++i;
        p.value = static_cast<std::uint32_t>(i);
        while (is_text(text[i])) ++i;
        std::size_t end = i;
        while (end > p.value && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
        p.value_size = static_cast<std::uint32_t>(end) - p.value;
        if (text[i] != '\r' || text[i + 1] != '\n') break;
        i += 2;
        positions_.push_back(p);
    }
    if (i == size && (size == 0 || !positions_.empty())) return true;
    clear();
    return false;
}

}  // namespace act::http
