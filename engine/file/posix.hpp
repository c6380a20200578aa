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
/// Takes the path without its last component: "." for a plain name.
std::string parent_of(const std::string& path);

}  // namespace act::file::posix
