#pragma once

#include <string>

#include "engine/core/result.hpp"

/// For trees in which other programs were at work.
namespace act::file {

/// kind::conflict, naming the place, where something is mounted at the path or below. Folders of ours that
/// cannot be read are made readable.
result<void> nothing_mounted(const std::string& path);

/// Removes a file or tree; links are not followed, and it is no failure that nothing is there. What is
/// mounted in it is not its own: then nothing at all is removed, as nothing_mounted() says. Folders of ours
/// that are write-protected, as in Go's module cache, are made writable.
result<void> remove_tree(const std::string& path);

}  // namespace act::file
