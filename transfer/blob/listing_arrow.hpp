#pragma once

#include <string_view>

#include "engine/core/result.hpp"
#include "transfer/blob/detail.hpp"
#include "transfer/blob/types.hpp"

namespace act::blob {

/// What asks List Blobs for columns in place of XML: a version and an Accept header. An account that has no
/// such thing answers in XML (peers-transfer.md section 4.1; the columns are those of
/// @azure/storage-blob 12.34).
inline constexpr const char* arrow_version = "2026-10-06";
inline constexpr const char* arrow_type = "application/vnd.apache.arrow.stream";

/// Reads a page in that form, which is whole in memory, with the same entries as the XML has. kind::protocol
/// or kind::unsupported when it is not what is expected here; then XML can be asked for.
result<list_page> read_arrow_listing(std::string_view stream, detail wanted);

}  // namespace act::blob
