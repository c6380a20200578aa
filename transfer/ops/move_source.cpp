#include "transfer/ops/move_source.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file/posix.hpp"

namespace act::ops {

namespace {

error stays(const std::string& path, std::string_view why) {
    return error(kind::precondition, path + " was copied, but stays: " + std::string(why),
                 "see to it, then run the same command again");
}

int open_folder(int at, const char* name, int more) {
    return ::openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC | more);
}

}  // namespace

result<void> remove_copied(const std::string& root, const std::string& path, const file::status& read) {
    const bool alone = path == root;
    const std::string top = alone ? file::posix::parent_of(path) : root;
    const std::size_t skip = alone ? path.rfind('/') + 1 : root.size() + !root.ends_with('/');
    std::string rest = path.substr(skip);
    file::descriptor folder(open_folder(AT_FDCWD, top.c_str(), 0));
    for (std::size_t slash; folder && (slash = rest.find('/')) != std::string::npos;) {
        const std::string name = rest.substr(0, slash);
        folder = file::descriptor(open_folder(folder.get(), name.c_str(), O_NOFOLLOW));
        rest.erase(0, slash + 1);
    }
    if (!folder) {
        return errno == ELOOP || errno == ENOTDIR ? stays(path, "a symbolic link leads to it")
                                                  : error::from_errno(errno, "cannot remove " + path);
    }
    struct stat s {};
    const int links = read.type == file::type::symlink ? AT_SYMLINK_NOFOLLOW : 0;
    if (::fstatat(folder.get(), rest.c_str(), &s, links) != 0)
        return error::from_errno(errno, "cannot look at " + path);
    const file::status now = file::posix::status_of(s);
    if (now.size != read.size || now.modified != read.modified || now.device != read.device ||
        now.inode != read.inode) {
        return stays(path, "it was changed meanwhile");
    }
    if (::unlinkat(folder.get(), rest.c_str(), 0) != 0)
        return error::from_errno(errno, "cannot remove " + path);
    return {};
}

task<result<void>> remove_copied(blob::client& client, blob::address where, blob::etag seen, until u) {
    const auto still = blob::conditions::matching(seen);
    auto gone = co_await client.remove(where, blob::snapshots::refuse, still, u);
    if (gone || gone.error().kind() == kind::stopped) co_return gone;
    error e = gone.error();
    co_return std::move(e).in("it was copied, but stays");
}

void remove_empty_folders(const std::string& root) {
    namespace fs = std::filesystem;
    std::error_code failed;
    std::vector<std::string> below;
    for (fs::directory_iterator i(root, failed), end; !failed && i != end; i.increment(failed)) {
        if (i->symlink_status(failed).type() == fs::file_type::directory) below.push_back(i->path().string());
    }
    for (const auto& folder : below) remove_empty_folders(folder);
    (void)::rmdir(root.c_str());
}

}  // namespace act::ops
