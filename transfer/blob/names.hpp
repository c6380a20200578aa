#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.hpp"

namespace act::blob {

/// Service rules of blob-rest.md section 19; the error says which rule and names the name.
result<void> check_container_name(std::string_view);
result<void> check_blob_name(std::string_view);

/// "/container/a%20b/c": for the target of a request. Segments encoded as the SDKs do.
std::string encode_blob_path(std::string_view container, std::string_view blob);

}  // namespace act::blob
