#pragma once

#include <string>
#include <string_view>

namespace act {

/// Whether the text is UTF-8 as RFC 3629 defines it: no surrogates, no overlong forms, nothing above
/// U+10FFFF.
bool is_utf8(std::string_view);

/// The text for people: bytes that are not UTF-8, and control characters, as \xNN.
std::string printable(std::string_view);

}  // namespace act
