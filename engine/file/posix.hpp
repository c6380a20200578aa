#pragma once

#include <sys/stat.h>

#include "engine/file/file.hpp"

/// What the sources of this folder share about the system's own structures.
namespace act::file::posix {

wall_time time_of(const timespec&);
timespec timespec_of(wall_time);
status status_of(const struct stat&);
/// A file descriptor of an anonymous file on a disk that holds temporary files; invalid when there is none.
descriptor anonymous_file();
bool write_all(int fd, std::span<const std::byte>);
/// "FOLDER/.act-....tmp": a name that nobody else has; not from a target's name, which may have the greatest
/// length already.
std::string hidden_name(const std::string& folder);
/// Renames within a folder (AT_FDCWD: of paths): 0 or the errno, EEXIST where something stands that is not to
/// be replaced.
int rename_in(int folder, const std::string& from, const std::string& to, bool replace);
/// What was made or renamed in a folder of `at` is on the disk: 0 or the errno. `at` may be open for its path
/// alone.
int sync_folder(int at, const std::string& folder);
/// Takes the path without its last component: "." for a plain name.
std::string parent_of(const std::string& path);

}  // namespace act::file::posix
