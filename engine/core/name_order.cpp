#include "engine/core/name_order.hpp"

#include <algorithm>

namespace act {

int compare(name_order order, std::string_view a, std::string_view b) {
    if (order == name_order::bytes) return a.compare(b);
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (x == a.end() || y == b.end()) return y != b.end() ? -1 : x != a.end();
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
    return rank(*x) < rank(*y) ? -1 : 1;
}

}  // namespace act
