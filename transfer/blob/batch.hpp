#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/http/message.hpp"

/// The multipart/mixed bodies of Blob Batch (blob-rest.md section 12), for both sides.
namespace act::blob {

/// One part: a whole HTTP message in an envelope.
struct batch_part {
    std::optional<unsigned> id;  ///< Content-ID; missing when the service refuses a batch as a whole
    std::string first_line;      ///< "DELETE /c/b HTTP/1.1" or "HTTP/1.1 202 Accepted"
    http::fields headers;
    std::string body;
};

/// Collects parts; size() tells what finish() will return, so that a caller stops below the limit of 4 MiB.
class batch_writer {
public:
    explicit batch_writer(std::string boundary);
    void add(const batch_part&);
    std::size_t size() const { return out_.size() + boundary_.size() + 6; }
    std::string content_type() const;
    std::string finish();

private:
    std::string boundary_;
    std::string out_;
};

/// The parts of a body, in their order. kind::protocol when the content type has no boundary, the body is cut
/// short or a part is malformed. Accepts LF for CRLF inside parts, as some clients write it.
result<std::vector<batch_part>> read_batch(std::string_view content_type, std::string_view body);
/// The status in an answer's first line; 0 when it has none.
int batch_status(const batch_part&);

}  // namespace act::blob
