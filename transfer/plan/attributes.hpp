#pragma once

#include <optional>

#include "engine/file/file.hpp"
#include "transfer/blob/types.hpp"

namespace act::plan {

/// What of a file travels in a blob's metadata, under the keys that rclone reads: `mtime` (RFC 3339,
/// nanoseconds) and `mode` (octal st_mode, "100644").
blob::metadata to_metadata(const file::status&);
std::optional<wall_time> modified_of(const blob::metadata&);
/// Permission bits.
std::optional<std::uint32_t> mode_of(const blob::metadata&);

/// The time a downloaded file gets: the recorded one, else the blob's own.
wall_time file_time(const blob::properties&);

/// Same size, and the recorded time equals the file's; for blobs of other tools, a blob not older than the
/// file. Recorded times of coarser clocks (whole seconds, microseconds) compare in their own precision.
bool unchanged_for_upload(const file::status& local, const blob::properties& remote);
/// Same size, and the file has the time it would get; for blobs of other tools, a file not older than the
/// blob.
bool unchanged_for_download(const blob::properties& remote, const file::status& local);

}  // namespace act::plan
