#pragma once

#include <array>
#include <cstddef>

/// The character classes of RFC 9110 section 5.6.2 and RFC 9112, as tables.
namespace act::http {

namespace detail {

constexpr std::array<bool, 256> token_table() {
    std::array<bool, 256> t{};
    for (int c = '0'; c <= '9'; ++c) t[static_cast<std::size_t>(c)] = true;
    for (int c = 'a'; c <= 'z'; ++c) t[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c) t[static_cast<std::size_t>(c)] = true;
    for (char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
        t[static_cast<unsigned char>(c)] = true;
    }
    return t;
}

// Visible characters, space, tab and bytes of other encodings.
constexpr std::array<bool, 256> text_table() {
    std::array<bool, 256> t{};
    for (std::size_t c = 0x20; c < 0x100; ++c) t[c] = c != 0x7f;
    t['\t'] = true;
    return t;
}

inline constexpr auto tokens = token_table();
inline constexpr auto texts = text_table();

}  // namespace detail

inline bool is_token(char c) { return detail::tokens[static_cast<unsigned char>(c)]; }
inline bool is_text(char c) { return detail::texts[static_cast<unsigned char>(c)]; }

}  // namespace act::http
