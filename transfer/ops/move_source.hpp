#pragma once

#include <string>

#include "engine/file/file.hpp"

namespace act::ops {

/// Removes a file that has been copied, when it still is what was read (the same file, size and time) and is
/// reached from `root` (the tree that is moved, or the file itself) through no symbolic link to a folder:
/// what lies elsewhere is not ours to remove. Else it stays, and the error says why.
result<void> remove_copied(const std::string& root, const std::string& path, const file::status& read);

/// Removes the folders of a tree that has been moved, the deepest first, as far as nothing is in them.
void remove_empty_folders(const std::string& root);

}  // namespace act::ops
