#include "transfer/plan/local_path.hpp"

#include <algorithm>

#include "engine/codec/hash.hpp"

namespace act::plan {

namespace {

constexpr std::string_view part_prefix = ".act-";
constexpr std::string_view part_suffix = ".part";
constexpr std::size_t part_hash_digits = 32;

error refuse(std::string_view name, std::string_view why) {
    return error(kind::unsupported,
                 "blob '" + std::string(name) + "' cannot be a local file: " + std::string(why),
                 "download it alone under another name");
}

}  // namespace

result<std::string> local_path(const std::string& root, std::string_view relative) {
    std::string_view rest = relative;
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.empty()) return refuse(relative, "its name is empty");
    if (rest.find('\0') != rest.npos) return refuse(relative, "its name holds a NUL");
    for (std::size_t at = 0; at <= rest.size();) {
        const auto end = std::min(rest.find('/', at), rest.size());
        const auto component = rest.substr(at, end - at);
        if (component.empty()) return refuse(relative, "it has an empty component");
        if (component == "." || component == "..")
            return refuse(relative, "it has a '" + std::string(component) + "' component");
        if (component.size() > 255) return refuse(relative, "a component is longer than 255 bytes");
        at = end + 1;
    }
    std::string path = root;
    path += '/';
    path += relative;
    return path;
}

bool link_stays_below(std::string_view name, std::string_view target) {
    if (target.empty() || target.front() == '/') return false;
    auto depth = std::count(name.begin(), name.end(), '/');
    bool below = false;
    for (std::size_t at = 0; at <= target.size();) {
        const auto end = std::min(target.find('/', at), target.size());
        const auto component = target.substr(at, end - at);
        at = end + 1;
        if (component.empty() || component == ".") continue;
        if (component != "..") {
            below = true;
        } else if (below || --depth < 0) {
            return false;
        }
    }
    return true;
}

std::string part_name(std::string_view target, std::string_view account, std::string_view container,
                      std::string_view blob) {
    codec::xxh3 hash;
    for (const auto piece : {target, account, container, blob}) {
        hash.update(codec::as_bytes(piece));
        hash.update(codec::as_bytes(std::string_view("\0", 1)));
    }
    return std::string(part_prefix) + hash.digest().hex() + std::string(part_suffix);
}

bool is_part_name(std::string_view name) {
    return name.size() == part_prefix.size() + part_hash_digits + part_suffix.size() &&
           name.starts_with(part_prefix) && name.ends_with(part_suffix);
}

}  // namespace act::plan
