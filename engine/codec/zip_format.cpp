#include "engine/codec/zip_format.hpp"

#include <sys/stat.h>

#include "engine/core/utf8.hpp"

namespace act::codec {

std::string_view zip_format::objection(std::string_view name, std::uint32_t mode) {
    if (name.empty()) return "the name is empty";
    if (name.size() > 0xFFFF) return "the name is too long";
    if (!is_utf8(name)) return "the name is not valid UTF-8";
    if (name.find('\0') != std::string_view::npos) return "the name holds a zero byte";
    if (name.front() == '/') return "the name is absolute";
    const bool directory = name.back() == '/';
    for (std::string_view rest = directory ? name.substr(0, name.size() - 1) : name;;) {
        const std::size_t slash = rest.find('/');
        const std::string_view component = rest.substr(0, slash);
        if (component.empty() || component == "." || component == "..")
            return "the name has an empty, '.' or '..' part";
        if (slash == std::string_view::npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (S_ISDIR(mode) != directory) return "a directory's name must end with '/', and no other";
    if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
        return "it is neither a file, a directory nor a link";
    return {};
}

}  // namespace act::codec
