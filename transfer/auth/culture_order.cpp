#include "transfer/auth/culture_order.hpp"

#include <array>
#include <cstdint>

namespace act::auth {
namespace {

/// First-level weights of what a header name may hold; 0: ignored on that level.
constexpr std::array<std::uint8_t, 128> weights = [] {
    std::array<std::uint8_t, 128> w{};
    std::uint8_t next = 1;
    for (char c : std::string_view("_!#$%&*.^`|~+0123456789abcdefghijklmnopqrstuvwxyz")) {
        w[static_cast<unsigned char>(c)] = next++;
    }
    for (char c = 'A'; c <= 'Z'; ++c)
        w[static_cast<unsigned char>(c)] = w[static_cast<unsigned char>(c) + 32];
    return w;
}();

std::uint8_t weight(char c) {
    auto u = static_cast<unsigned char>(c);
    return u < weights.size() ? weights[u] : 0;
}

}  // namespace

bool culture_less(std::string_view a, std::string_view b) {
    std::size_t i = 0, j = 0;
    for (;;) {
        while (i < a.size() && weight(a[i]) == 0) ++i;
        while (j < b.size() && weight(b[j]) == 0) ++j;
        if (i == a.size() || j == b.size()) break;
        if (weight(a[i]) != weight(b[j])) return weight(a[i]) < weight(b[j]);
        ++i, ++j;
    }
    if ((i == a.size()) != (j == b.size())) return i == a.size();
    // Equal but for hyphens: the one whose first hyphen stands later comes first.
    for (std::size_t k = 0; k < a.size() && k < b.size(); ++k) {
        bool hyphen_a = weight(a[k]) == 0, hyphen_b = weight(b[k]) == 0;
        if (hyphen_a != hyphen_b) return hyphen_b;
        if (hyphen_a && a[k] != b[k]) return a[k] < b[k];
    }
    return a.size() < b.size();
}

}  // namespace act::auth
