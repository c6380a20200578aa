#include "tools/act/listed.hpp"

#include "engine/core/units.hpp"

namespace act::cli {

std::string path_of(const std::string& name, const cluster::mapping& m) {
    if (m.folder == "*") return name;
    if (m.path.empty()) return m.folder + "/" + name;
    if (name == m.path) return m.folder;
    const bool below = name.starts_with(m.path) && name[m.path.size()] == '/';
    return below ? m.folder + name.substr(m.path.size()) : name;
}

std::string size_text(std::uint64_t bytes, const options& given) {
    return given.exact_sizes ? std::to_string(bytes) : human_size(bytes);
}

}  // namespace act::cli
