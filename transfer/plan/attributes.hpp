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

/// With both of the keys above: what act wrote. It was verified on its way in, and will be on its way out.
bool written_by_us(const blob::metadata&);

/// In the metadata of a page or append blob that is being built, with a word that only its builder knows: its
/// content is not whole.
inline constexpr const char* unfinished_mark = "act_unfinished";
bool unfinished(const blob::metadata&);

/// The time a downloaded file gets: the recorded one, else the blob's own.
wall_time file_time(const blob::properties&);

/// Same size, and the recorded time equals the file's; for blobs of other tools, a blob not older than the
/// file. Recorded times of coarser clocks (whole seconds, microseconds) compare in their own precision.
bool unchanged_for_upload(const file::status& local, const blob::properties& remote);
/// Same size, and the file has the time it would get; for blobs of other tools, a file not older than the
/// blob.
bool unchanged_for_download(const blob::properties& remote, const file::status& local);
/// The same for a blob that is stored decompressed: just the time it would get, as nobody tells how long it
/// is then. A file as long as the blob may be the blob as it is, and is no such thing.
bool unchanged_unpacked(const blob::properties& remote, const file::status& local);

/// What travels with a blob's content says the same: metadata (the recorded time is part of it) and the
/// headers that it is served with.
bool same_attributes(const blob::properties& source, const blob::properties& copy);
/// Both tell the same MD5 and size, so that the content need not be looked at.
bool same_checksum(const blob::properties& source, const blob::properties& copy);
/// Of one type and size, with the same attributes, no checksum that says otherwise, and one of these: both
/// have a checksum, the source's time is recorded (so the copy has it too), or the copy is younger than the
/// source.
bool unchanged_for_copy(const blob::properties& source, const blob::properties& copy);

}  // namespace act::plan
