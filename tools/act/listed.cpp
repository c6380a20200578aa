#include "tools/act/listed.hpp"

#include "engine/core/units.hpp"

namespace act::cli {

void append_path(std::string& out, std::string_view name, const cluster::mapping& m) {
    if (m.folder != "*") {
        if (m.path.empty()) {
            out.append(m.folder).append("/");
        } else if (name.starts_with(m.path) && (name.size() == m.path.size() || name[m.path.size()] == '/')) {
            out.append(m.folder);
            name.remove_prefix(m.path.size());
        }
    }
    out.append(name);
}

std::string size_text(std::uint64_t bytes, const options& given) {
    return given.exact_sizes ? std::to_string(bytes) : human_size(bytes);
}

}  // namespace act::cli
