#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/file/file.hpp"

/// The folders of runs in the foreground, all in one folder: whose they are, and their end.
namespace act::agent {

/// Makes one that belongs to whoever has the descriptor: this process, what it becomes, and what that starts.
/// It is a lock, so it holds where process ids mean something else, as in a container. `program` and `name`
/// are those of the run's container; empty without.
result<file::descriptor> make_work_folder(const std::string& work, const std::string& program,
                                          const std::string& name);

/// It belongs to nobody from here on, and stays.
void keep_work_folder(const std::string& work);

/// Removes the folders in `folder` of runs that were killed before they could do it, with their containers.
/// What cannot go stays whole. Returns what is to be told of that, a line each.
std::vector<std::string> remove_left_behind(const std::string& folder);

/// The folders in `folder` that were kept, by keep_work_folder() or because they could not go, and have not
/// changed since `moment`.
std::vector<std::string> old_work_folders(const std::string& folder, wall_time moment);
/// Removes such a folder.
result<void> remove_old(const std::string& work);

}  // namespace act::agent
