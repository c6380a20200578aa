#pragma once

#include <optional>

#include "engine/file/file.hpp"
#include "transfer/blob/types.hpp"
#include "transfer/plan/property_changes.hpp"

namespace act::plan {

/// What of a file travels in a blob's metadata, under the keys that rclone reads: `mtime` (RFC 3339,
/// nanoseconds), `mode` (octal st_mode, "100644") and, if wanted, `uid` and `gid` (decimal). A symbolic link
/// is a blob that holds its target, with azcopy's mark `is_symlink`.
blob::metadata to_metadata(const file::status&, bool with_owner = false);
std::optional<wall_time> modified_of(const blob::metadata&);
/// Permission bits; with `special` also set-user-id and its kin, which make sense for the recorded owner
/// only.
std::optional<std::uint32_t> mode_of(const blob::metadata&, bool special = false);
/// As rclone restores it: without a group, that of the user's number.
std::optional<file::owner> owner_of(const blob::metadata&);
/// The blob stands for a symbolic link.
bool is_link(const blob::properties&);

/// With both of the keys above: what act wrote. It was verified on its way in, and will be on its way out.
bool written_by_us(const blob::metadata&);

/// In the metadata of a page or append blob that is being built, with a word that only its builder knows: its
/// content is not whole.
inline constexpr const char* unfinished_mark = "act_unfinished";
bool unfinished(const blob::metadata&);

/// The time a downloaded file gets: the recorded one, else the blob's own.
wall_time file_time(const blob::properties&);

/// Of one kind (file or link) and size, and the recorded time equals the file's; for blobs of other tools, a
/// blob not older than the file. Recorded times of coarser clocks (whole seconds, microseconds) compare in
/// their own precision.
bool unchanged_for_upload(const file::status& local, const blob::properties& remote);
/// Of one kind and size, and the file has the time it would get; for blobs of other tools, a file not older
/// than the blob.
bool unchanged_for_download(const blob::properties& remote, const file::status& local);
/// The same for a blob that is stored decompressed: just the time it would get, as nobody tells how long it
/// is then. A file as long as the blob may be the blob as it is, and is no such thing.
bool unchanged_unpacked(const blob::properties& remote, const file::status& local);

/// By the recorded time where there is one, else the blob's own. Never for what is of the same time.
bool newer(const file::status& source, const blob::properties& there);
bool newer(const blob::properties& source, const file::status& there);
bool newer(const blob::properties& source, const blob::properties& there);

/// What travels with a blob's content says the same: metadata (the recorded time is part of it) and the
/// headers that it is served with. What `given` names the copy has not from its source, so it does not count.
bool same_attributes(const blob::properties& source, const blob::properties& copy,
                     const property_changes& given = {});
/// All of it is there: not only staged, and no copy of it that is going on, has failed or was left
/// unfinished.
bool is_whole(const blob::properties&);
/// Both are whole and tell the same MD5 and size, so that the content need not be looked at.
bool same_checksum(const blob::properties& source, const blob::properties& copy);
/// Of one type and size, with the same attributes, no checksum that says otherwise, and one of these: both
/// have a checksum, the source's time is recorded (so the copy has it too), or the copy is younger than the
/// source.
bool unchanged_for_copy(const blob::properties& source, const blob::properties& copy,
                        const property_changes& given = {});

}  // namespace act::plan
