#include "engine/core/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace act {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// "1.5 GB" as "1", "5" and "gb"; the number's digits are digits and there is at least one.
struct quantity {
    std::string_view whole, fraction;
    std::string unit;
};

std::optional<quantity> split_quantity(std::string_view text) {
    text = trim(text);
    quantity q;
    std::size_t at = 0;
    while (at < text.size() && is_digit(text[at])) ++at;
    q.whole = text.substr(0, at);
    if (at < text.size() && text[at] == '.') {
        const std::size_t begin = ++at;
        while (at < text.size() && is_digit(text[at])) ++at;
        q.fraction = text.substr(begin, at - begin);
        if (q.fraction.empty()) return std::nullopt;
    }
    if (q.whole.empty()) return std::nullopt;
    for (const char c : trim(text.substr(at))) q.unit += lower(c);
    return q;
}

std::optional<std::uint64_t> size_unit(std::string_view unit) {
    if (unit.empty() || unit == "b") return 1;
    constexpr std::string_view letters = "kmgtpe";
    const std::size_t power = letters.find(unit.front());
    if (power == std::string_view::npos) return std::nullopt;
    const std::string_view rest = unit.substr(1);
    std::uint64_t base = 0;
    if (rest.empty() || rest == "i" || rest == "ib") {
        base = 1024;
    } else if (rest == "b") {
        base = 1000;
    } else {
        return std::nullopt;
    }
    std::uint64_t value = 1;
    for (std::size_t i = 0; i <= power; ++i) value *= base;
    return value;
}

}  // namespace

std::string human_size(std::uint64_t bytes) {
    static constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < KiB) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    // 1023.5 KiB would print as "1024 KiB".
    while (value >= 1023.5 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (decimals > 0) {
        while (text.back() == '0') text.pop_back();
        if (text.back() == '.') text.pop_back();
    }
    return text + ' ' + units[unit];
}

std::string human_duration(double seconds) {
    if (!(seconds > 0)) return "0 ms";
    if (!std::isfinite(seconds) || seconds > 1e12) return "forever";
    if (seconds < 0.00095) return "<1 ms";
    if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1000);
    if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
    if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
    return fmt::format("{} d {:02} h", whole / 86400, whole / 3600 % 24);
}

std::string human_count(std::uint64_t count) {
    std::string digits = std::to_string(count);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto q = split_quantity(text);
    if (!q) return std::nullopt;
    const auto unit = size_unit(q->unit);
    // 18 digits of fraction decide about less than a byte of the largest unit.
    if (!unit || q->fraction.size() > 18) return std::nullopt;
    std::uint64_t whole = 0;
    const auto parsed = std::from_chars(q->whole.data(), q->whole.data() + q->whole.size(), whole);
    if (parsed.ec != std::errc{}) return std::nullopt;

    unsigned __int128 fraction = 0, scale = 1;
    for (const char c : q->fraction) {
        fraction = fraction * 10 + static_cast<unsigned>(c - '0');
        scale *= 10;
    }
    const unsigned __int128 total = static_cast<unsigned __int128>(whole) * *unit + fraction * *unit / scale;
    if (total > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    return static_cast<std::uint64_t>(total);
}

namespace {

/// The number times `unit`, if that is a number at all.
std::optional<double> value_of(const quantity& q, double unit) {
    const std::string number =
        std::string(q.whole) + '.' + (q.fraction.empty() ? "0" : std::string(q.fraction));
    double value = 0;
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
    if (parsed.ec != std::errc{} || !std::isfinite(value * unit)) return std::nullopt;
    return value * unit;
}

}  // namespace

std::optional<double> parse_rate(std::string_view text) {
    const auto q = split_quantity(text);
    if (!q) return std::nullopt;
    if (q->unit.empty() || q->unit == "/s") return value_of(*q, 1);
    if (q->unit == "/m" || q->unit == "/min") return value_of(*q, 1.0 / 60);
    return std::nullopt;
}

std::optional<double> parse_byte_rate(std::string_view text) {
    text = trim(text);
    if (text.ends_with("/s") || text.ends_with("/S")) text.remove_suffix(2);
    const auto q = split_quantity(text);
    if (!q) return std::nullopt;
    if (q->unit == "bit") return value_of(*q, 1 / 8.0);
    if (q->unit == "kbit") return value_of(*q, 1e3 / 8);
    if (q->unit == "mbit") return value_of(*q, 1e6 / 8);
    if (q->unit == "gbit") return value_of(*q, 1e9 / 8);
    const auto size = parse_size(text);
    if (!size) return std::nullopt;
    return static_cast<double>(*size);
}

std::optional<double> parse_duration(std::string_view text) {
    const auto q = split_quantity(text);
    if (!q) return std::nullopt;
    double unit = 1;
    if (q->unit == "ms") {
        unit = 0.001;
    } else if (q->unit == "m" || q->unit == "min") {
        unit = 60;
    } else if (q->unit == "h") {
        unit = 3600;
    } else if (q->unit == "d") {
        unit = 86400;
    } else if (!q->unit.empty() && q->unit != "s") {
        return std::nullopt;
    }
    return value_of(*q, unit);
}

}  // namespace act
