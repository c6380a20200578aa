#include "engine/codec/base64.hpp"

#include <array>

namespace act::codec {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789abcdef";

constexpr auto values = [] {
    std::array<signed char, 256> table{};
    for (auto& value : table) value = -1;
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    }
    return table;
}();

int value_of(char c) { return values[static_cast<unsigned char>(c)]; }

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string base64_encode(bytes_view data) {
    std::string out;
    out.reserve((data.size() + 2) / 3 * 4);
    const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(data[i]); };
    std::size_t i = 0;
    for (; i + 3 <= data.size(); i += 3) {
        const unsigned bits = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        out += alphabet[bits >> 18];
        out += alphabet[bits >> 12 & 63];
        out += alphabet[bits >> 6 & 63];
        out += alphabet[bits & 63];
    }
    if (const std::size_t left = data.size() - i; left > 0) {
        const unsigned bits = at(i) << 16 | (left == 2 ? at(i + 1) << 8 : 0);
        out += alphabet[bits >> 18];
        out += alphabet[bits >> 12 & 63];
        out += left == 2 ? alphabet[bits >> 6 & 63] : '=';
        out += '=';
    }
    return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    if (text.ends_with("==")) {
        padding = 2;
    } else if (text.ends_with('=')) {
        padding = 1;
    }
    const std::string_view digits = text.substr(0, text.size() - padding);
    std::string out;
    out.reserve(text.size() / 4 * 3);
    unsigned bits = 0, count = 0;
    for (const char c : digits) {
        const int value = value_of(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6 | static_cast<unsigned>(value);
        if (++count == 4) {
            out += static_cast<char>(bits >> 16);
            out += static_cast<char>(bits >> 8 & 0xFF);
            out += static_cast<char>(bits & 0xFF);
            bits = count = 0;
        }
    }
    if (count == 3) {
        if (bits & 3) return std::nullopt;
        out += static_cast<char>(bits >> 10);
        out += static_cast<char>(bits >> 2 & 0xFF);
    } else if (count == 2) {
        if (bits & 15) return std::nullopt;
        out += static_cast<char>(bits >> 4);
    }
    return out;
}

std::string hex(bytes_view data) {
    std::string out;
    out.reserve(data.size() * 2);
    for (const std::byte b : data) {
        out += hex_digits[std::to_integer<unsigned>(b) >> 4];
        out += hex_digits[std::to_integer<unsigned>(b) & 15];
    }
    return out;
}

std::optional<std::string> unhex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

}  // namespace act::codec
