#pragma once

#include <string_view>

namespace act::auth {

/// The order in which the service sorts header names before it checks a SharedKey signature: en-US culture
/// order, not bytes (blob-rest.md section 3). Hyphens and apostrophes count only between names that are equal
/// without them; other punctuation sorts before digits, digits before letters. Names in lower case.
bool culture_less(std::string_view a, std::string_view b);

}  // namespace act::auth
