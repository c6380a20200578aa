#pragma once

#include <string>

#include "engine/file/file.hpp"
#include "transfer/client/client.hpp"

namespace act::ops {

/// Removes a file that has been copied, when it still is what was read (the same file, size and time) and is
/// reached from `root` (the tree that is moved, or the file itself) through no symbolic link to a folder:
/// what lies elsewhere is not ours to remove. Else it stays, and the error says why.
result<void> remove_copied(const std::string& root, const std::string& path, const file::status& read);

/// Removes the folders of a tree that has been moved, the deepest first, as far as nothing is in them.
void remove_empty_folders(const std::string& root);

/// Removes a blob that has been copied, on condition that it is still the one that was read. With snapshots
/// it stays, and the error says why.
task<result<void>> remove_copied(blob::client&, blob::address, blob::etag seen, until);

}  // namespace act::ops
