#include "transfer/ops/unpack.hpp"

#include "engine/http/message.hpp"

namespace act::ops {

std::optional<codec::inflate_stream::format> compressed_as(const blob::properties& info) {
    using format = codec::inflate_stream::format;
    const std::string& encoding = info.content.encoding;
    if (info.size == 0) return std::nullopt;
    if (http::same_name(encoding, "gzip") || http::same_name(encoding, "x-gzip")) return format::gzip;
    if (http::same_name(encoding, "deflate")) return format::deflate;
    return std::nullopt;
}

error unpack_failed(error e, const blob::properties& info) {
    if (e.kind() != kind::integrity) return e;
    return error(kind::integrity,
                 "blob '" + info.name + "' says that it is compressed by " + info.content.encoding +
                     ", but " + e.message(),
                 "without --decompress it comes as it is stored");
}

}  // namespace act::ops
