#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "engine/core/result.hpp"
#include "transfer/blob/detail.hpp"
#include "transfer/blob/list_page.hpp"

namespace act::blob {

/// What asks List Blobs for columns in place of XML: a version and an Accept header. An account that has no
/// such thing answers in XML (peers-transfer.md section 4.1; the columns are those of
/// @azure/storage-blob 12.34).
inline constexpr const char* arrow_version = "2026-10-06";
inline constexpr const char* arrow_type = "application/vnd.apache.arrow.stream";

/// An answer in memory that nobody has filled with zeros before it came.
struct column_bytes {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
    static column_bytes copy_of(std::string_view);
    std::string_view view() const { return {memory.get(), size}; }
};

/// Reads a page in that form, with the same entries as the XML has. kind::protocol or kind::unsupported when
/// it is not what is expected here; then XML can be asked for. All is checked here, so that its entries can
/// be read without an error.
result<list_page> read_arrow_listing(column_bytes, detail wanted);

}  // namespace act::blob
