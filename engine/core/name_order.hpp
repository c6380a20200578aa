#pragma once

#include <string_view>

namespace act {

/// How names with '/' between their components are sorted.
enum class name_order {
    bytes,       ///< by all their bytes, '/' being one of them: "a-b" comes before "a/b"
    components,  ///< a folder with all below it at once, as if '/' came before every other byte
};

/// Less than, equal to or greater than zero, like std::string_view::compare().
int compare(name_order, std::string_view, std::string_view);

}  // namespace act
