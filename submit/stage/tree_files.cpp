#include "submit/stage/tree_files.hpp"

#include <cerrno>
#include <fcntl.h>

namespace act::stage {

result<file::descriptor> tree_files::open(const std::string& name) {
    const std::string path = root_ + "/" + name;
    const place there = at(path);
    for (;;) {
        // As file::open_read does.
        file::descriptor fd(::openat(there.folder, there.name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (fd) return fd;
        if (errno != EINTR) return error::from_errno(errno, "cannot open " + path);
    }
}

std::optional<stamp> tree_files::look(const std::string& name) {
    const std::string path = root_ + "/" + name;
    const place there = at(path);
    return stamp_in(there.folder, there.name);
}

tree_files::place tree_files::at(const std::string& path) {
    const std::size_t last = path.rfind('/') + 1;
    const std::string_view folder = std::string_view(path).substr(0, last);
    if (folder != folder_) {
        folder_ = folder;
        fd_ = file::descriptor(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    // What is wrong with the folder shows at the file, too.
    if (!fd_) return {AT_FDCWD, path.c_str()};
    return {fd_.get(), path.c_str() + last};
}

}  // namespace act::stage
