#pragma once

#include <optional>

#include "engine/codec/inflate_stream.hpp"
#include "transfer/blob/types.hpp"

namespace act::ops {

/// How a blob's content is compressed, by its Content-Encoding; nothing when it is not, or in a form that is
/// not known, which is left as it is. An empty blob is nothing compressed.
std::optional<codec::inflate_stream::format> compressed_as(const blob::properties&);

/// A failure of decompression, which names the blob.
error unpack_failed(error, const blob::properties&);

}  // namespace act::ops
