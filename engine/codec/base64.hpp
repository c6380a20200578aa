#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/codec/hash.hpp"

namespace act::codec {

/// RFC 4648 section 4, padded. Decoding is strict: no white space, right padding, zero trailing bits.
std::string base64_encode(bytes_view);
std::optional<std::string> base64_decode(std::string_view);
std::string hex(bytes_view);
std::optional<std::string> unhex(std::string_view);

}  // namespace act::codec
