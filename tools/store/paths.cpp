#include "tools/store/paths.hpp"

#include "engine/core/name_order.hpp"

namespace act::store {

bool listed_before(name_space space, std::string_view a, std::string_view b) {
    return compare(space == name_space::flat ? name_order::bytes : name_order::components, a, b) < 0;
}

std::string without_empty_segments(std::string_view name) {
    std::string out;
    out.reserve(name.size());
    for (const char c : name) {
        if (c == '/' && (out.empty() || out.back() == '/')) continue;
        out += c;
    }
    if (out.ends_with('/')) out.pop_back();
    return out;
}

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace act::store
