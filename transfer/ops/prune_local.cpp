#include "transfer/ops/prune_local.hpp"

#include <cerrno>
#include <unistd.h>

namespace act::ops {

namespace {

std::string folder_of(const std::string& name) {
    const auto slash = name.rfind('/');
    return slash == name.npos ? std::string() : name.substr(0, slash);
}

bool is_above(const std::string& folder, const std::string& name) {
    return name.size() > folder.size() && name.starts_with(folder) && name[folder.size()] == '/';
}

}  // namespace

void local_pruner::leave(std::string folder, const std::string& next) const {
    // rmdir itself refuses what is not empty, and links.
    while (!folder.empty() && folder != next && !is_above(folder, next)) {
        if (::rmdir((root_ + '/' + folder).c_str()) != 0) return;
        folder = folder_of(folder);
    }
}

result<void> local_pruner::remove(const std::string& name, bool folder, std::uint64_t size,
                                  wall_time modified) {
    const std::string path = root_ + '/' + name;
    const std::string holder = folder_of(name);
    if (holder != last_folder_) leave(std::exchange(last_folder_, holder), holder);
    if (folder) {
        if (::rmdir(path.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY) {
            return error::from_errno(errno, "cannot remove " + path);
        }
        return {};
    }
    auto now = file::stat_of(path, false);
    if (!now && now.error().kind() == kind::not_found) return {};
    if (!now) return now.error();
    if (now->type == file::type::symlink) {
        if (auto target = file::stat_of(path); target && target->type == file::type::directory) {
            return error(kind::conflict, path + " is a link to a folder, which is left alone",
                         "remove it yourself if it is not wanted");
        }
    } else if (now->size != size || now->modified != modified) {
        return error(kind::precondition, path + " was changed meanwhile and is left alone",
                     "run the same command again");
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return error::from_errno(errno, "cannot remove " + path);
    return {};
}

}  // namespace act::ops
