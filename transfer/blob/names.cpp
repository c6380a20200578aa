#include "transfer/blob/names.hpp"

#include <array>
#include <cctype>

#include <fmt/format.h>

#include "transfer/blob/xml.hpp"

namespace act::blob {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

error bad_container(std::string_view name, std::string_view rule) {
    return error(kind::usage, fmt::format("container name '{}': {}", name, rule),
                 "Use 3 to 63 lower-case letters, digits and single dashes.");
}

error bad_blob(std::string_view name, std::string_view rule) {
    if (name.size() > 120) return bad_blob(std::string(name.substr(0, 117)) + "...", rule);
    return error(kind::usage, fmt::format("blob name '{}': {}", name, rule), "Rename it.");
}

/// What the SDKs leave as it is in a path: unreserved characters and these.
constexpr std::array<bool, 256> path_table = [] {
    std::array<bool, 256> t{};
    for (int c = 'a'; c <= 'z'; ++c) t[static_cast<std::size_t>(c)] = true;
    for (int c = 'A'; c <= 'Z'; ++c) t[static_cast<std::size_t>(c)] = true;
    for (int c = '0'; c <= '9'; ++c) t[static_cast<std::size_t>(c)] = true;
    for (char c : std::string_view("-._~/!$&'()*,;=:@")) t[static_cast<unsigned char>(c)] = true;
    return t;
}();

}  // namespace

result<void> check_container_name(std::string_view name) {
    if (name == "$root" || name == "$web" || name == "$logs" || name == "$blobchangefeed") return {};
    if (name.size() < 3 || name.size() > 63) {
        return bad_container(name, fmt::format("it has {} characters", name.size()));
    }
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (lower_or_digit(name[i])) continue;
        if (name[i] != '-') return bad_container(name, fmt::format("'{}' is not allowed", name[i]));
        if (i == 0 || i + 1 == name.size()) {
            return bad_container(name, "it must begin and end with a letter or digit");
        }
        if (name[i + 1] == '-') return bad_container(name, "two dashes in a row are not allowed");
    }
    return {};
}

result<void> check_blob_name(std::string_view name) {
    if (name.empty()) return error(kind::usage, "a blob name is empty");
    // The limit counts UTF-16 units.
    std::size_t units = 0, segments = 1;
    for (char ch : name) {
        auto c = static_cast<unsigned char>(ch);
        if ((c & 0xC0) != 0x80) units += c >= 0xF0 ? 2 : 1;
        if (c == '/') ++segments;
        if (c < 0x20 || c == 0x7F) return bad_blob(name, "control characters are not allowed");
    }
    if (!xml::representable(name)) return bad_blob(name, "it is not valid UTF-8 text");
    for (std::string_view rest = name;;) {
        auto slash = rest.find('/');
        auto segment = rest.substr(0, slash);
        // Servers and proxies resolve these like a file system's, so the request would reach another blob.
        if (segment == "." || segment == "..")
            return bad_blob(name, "'.' and '..' may not stand between slashes");
        if (slash == rest.npos) break;
        rest.remove_prefix(slash + 1);
    }
    if (units > 1024) return bad_blob(name, fmt::format("it has {} characters, the limit is 1024", units));
    if (segments > 254)
        return bad_blob(name, fmt::format("it has {} path segments, the limit is 254", segments));
    return {};
}

std::string encode_blob_path(std::string_view container, std::string_view blob) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(container.size() + blob.size() + 16);
    out.push_back('/');
    auto put = [&](std::string_view text) {
        for (char ch : text) {
            auto c = static_cast<unsigned char>(ch);
            if (path_table[c]) {
                out.push_back(ch);
            } else {
                out.push_back('%'), out.push_back(digits[c >> 4]), out.push_back(digits[c & 15]);
            }
        }
    };
    put(container);
    if (!blob.empty()) {
        out.push_back('/');
        put(blob);
    }
    return out;
}

}  // namespace act::blob
