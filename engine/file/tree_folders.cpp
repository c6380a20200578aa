#include "engine/file/tree_folders.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace act::file {

namespace {

constexpr int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
// A rename elsewhere makes the kernel unsure whether ".." stayed below.
constexpr int tries_while_unsure = 16;

int open_beneath(int root, const char* name) {
    open_how how{};
    how.flags = flags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int tries = tries_while_unsure;; --tries) {
        const auto fd = static_cast<int>(::syscall(SYS_openat2, root, name, &how, sizeof how));
        if (fd >= 0 || errno != EAGAIN || tries == 0) return fd;
    }
}

/// Where the kernel has no openat2, or a sandbox forbids it: links are not passed at all.
descriptor open_without_links(int root, const std::string& name) {
    descriptor at;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('/', begin), name.size());
        const std::string component = name.substr(begin, end - begin);
        const int above = at ? at.get() : root;
        descriptor next(::openat(above, component.c_str(), flags | O_NOFOLLOW));
        if (!next) {
            struct stat s;
            const int number = errno;
            const bool link = (number == ENOTDIR || number == ELOOP) &&
                              ::fstatat(above, component.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0 &&
                              S_ISLNK(s.st_mode);
            errno = link ? EXDEV : number;
            return {};
        }
        at = std::move(next);
        begin = end + 1;
    }
    return at;
}

}  // namespace

tree_folders::tree_folders(std::string root, outside o) : root_path_(std::move(root)), outside_(o) {}

error tree_folders::failure(const std::string& name, int number) const {
    const std::string path = name.empty() ? root_path_ : root_path_ + '/' + name;
    if (number == EXDEV || number == ELOOP) {
        return error(kind::conflict,
                     "a symbolic link on the way to " + path + " is absolute or leads out of " + root_path_ +
                         ": nothing is written through it",
                     "name the folder that it leads to, or allow it with --follow-symlinks");
    }
    if (number == ENOTDIR || number == EEXIST) {
        return error(
            kind::conflict,
            "cannot make the folder " + path + ": a file of that name, or of one above, is in the way",
            "remove it or choose another place");
    }
    return error::from_errno(number, "cannot open the folder " + path);
}

result<tree_folders::folder> tree_folders::root() {
    const std::lock_guard lock(mutex_);
    if (root_) return root_;
    descriptor fd(::open(root_path_.c_str(), flags));
    if (!fd && errno == ENOENT) {
        ACT_TRY_VOID(make_directories(root_path_));
        fd = descriptor(::open(root_path_.c_str(), flags));
    }
    if (!fd) return failure({}, errno);
    root_ = std::make_shared<const descriptor>(std::move(fd));
    return root_;
}

descriptor tree_folders::reach(int root, const std::string& name) const {
    if (outside_ == outside::allow) return descriptor(::openat(root, name.c_str(), flags));
    static std::atomic<bool> lacking{false};
    if (!lacking.load(std::memory_order_relaxed)) {
        descriptor fd(open_beneath(root, name.c_str()));
        if (fd || (errno != ENOSYS && errno != EPERM)) return fd;
        lacking = true;
    }
    return open_without_links(root, name);
}

result<descriptor> tree_folders::make(int root, const std::string& name) const {
    descriptor above;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('/', begin), name.size());
        const std::string so_far = name.substr(0, end);
        descriptor next = reach(root, so_far);
        if (!next && errno == ENOENT) {
            const std::string component = name.substr(begin, end - begin);
            if (::mkdirat(above ? above.get() : root, component.c_str(), 0777) != 0 && errno != EEXIST)
                return failure(so_far, errno);
            next = reach(root, so_far);
        }
        if (!next) return failure(so_far, errno);
        above = std::move(next);
        begin = end + 1;
    }
    return above;
}

result<tree_folders::folder> tree_folders::open(const std::string& name) {
    if (!name.empty()) {
        const std::lock_guard lock(mutex_);
        for (const auto& k : kept_) {
            if (k.opened && k.name == name) return k.opened;
        }
    }
    ACT_TRY(const folder top, root());
    if (name.empty()) return top;
    descriptor fd = reach(top->get(), name);
    if (!fd) {
        if (errno != ENOENT) return failure(name, errno);
        ACT_TRY(fd, make(top->get(), name));
    }
    auto opened = std::make_shared<const descriptor>(std::move(fd));
    const std::lock_guard lock(mutex_);
    kept_[next_++ % kept_.size()] = {name, opened};
    return opened;
}

}  // namespace act::file
