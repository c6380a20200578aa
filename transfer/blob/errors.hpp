#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/http/message.hpp"

namespace act::blob {

/// Error bodies are read up to this size; the service's own are a few hundred bytes.
inline constexpr std::size_t max_error_body = 64 * 1024;

/// What the service says of a failed request (blob-rest.md section 16).
struct service_error {
    int status = 0;
    std::string code;     ///< "BlobNotFound"; empty when neither header nor body tells
    std::string message;  ///< first line of the service's text, without request id and time
    std::string request_id;
    std::string detail;  ///< AuthenticationErrorDetail, Reason and the like, one line
    /// For copies: what the source answered.
    int source_status = 0;
    std::string source_code;
};

/// From an answer. The body may be missing (HEAD), JSON, or some proxy's HTML.
service_error read_error(int status, const http::fields&, std::string_view body);

/// The one place where service codes and statuses become kinds and advice. `what` names the object: "blob
/// c/a.txt".
error fold(const service_error&, std::string_view what);
/// The kind alone.
kind kind_of(int status, std::string_view code);

/// An error document as the service writes it; `extra` are more elements (name, text) behind the message.
std::string error_document(std::string_view code, std::string_view message,
                           const std::vector<std::pair<std::string_view, std::string>>& extra = {});

}  // namespace act::blob
