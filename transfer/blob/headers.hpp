#pragma once

#include <optional>

#include "engine/http/message.hpp"
#include "transfer/blob/documents.hpp"
#include "transfer/blob/types.hpp"

/// Blob vocabulary to and from header fields.
namespace act::blob {

/// If-*, and x-ms-lease-id.
void add_conditions(http::fields&, const conditions&);
/// x-ms-blob-content-*, x-ms-blob-cache-control; empty ones are left out.
void add_content(http::fields&, const content_headers&);
void add_metadata(http::fields&, const metadata&);
/// Names the service takes (C# identifiers) and values that fit a header line: kind::usage otherwise.
result<void> check_metadata(const metadata&);

/// What the headers of a GET or HEAD tell, but for the name. The size is Content-Range's total where there is
/// one, else Content-Length. kind::protocol when a size or a date does not parse.
result<properties> read_properties(const http::fields&, int status,
                                   std::optional<std::uint64_t> content_length);
metadata read_metadata(const http::fields&);

/// "bytes=0-1023"; an unset end ("bytes=5-") gives max. Nothing on other forms.
struct byte_range {
    std::uint64_t first = 0, last = UINT64_MAX;
};
std::optional<byte_range> parse_range(std::string_view);
std::string range_header(const range&);
/// "bytes 0-9/100".
struct content_range {
    std::uint64_t first = 0, last = 0, total = 0;
};
std::optional<content_range> parse_content_range(std::string_view);

}  // namespace act::blob
