#pragma once

#include <string>
#include <string_view>

/// Names as paths, in an account with a hierarchical namespace.
namespace act::store {

enum class name_space {
    flat,          ///< a slash is a byte like any other
    hierarchical,  ///< directories are real (directories.hpp)
};

/// The form in which byte order is the order of such an account's listings: as if '/' sorted before every
/// other byte, so that a directory is followed by all below it (Azure/azure-sdk-for-go issue 24210). Of the
/// same length, so that prefixes stay prefixes; applied twice it is the name again. No name has a zero byte.
inline void turn_path(std::string& name) {
    for (char& c : name) c = c == '/' ? '\0' : c == '\0' ? '/' : c;
}

/// Whether `a` is listed before `b`.
bool listed_before(name_space, std::string_view a, std::string_view b);

/// Without empty segments, as such an account stores a name: "a//b/" is "a/b".
std::string without_empty_segments(std::string_view name);

/// The directory that it is in; empty for one at the top.
std::string_view parent_of(std::string_view path);

}  // namespace act::store
