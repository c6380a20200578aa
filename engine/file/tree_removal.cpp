#include "engine/file/tree_removal.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file/file.hpp"

namespace act::file {
namespace {

struct close_folder {
    void operator()(DIR* d) const { ::closedir(d); }
};
using open_folder = std::unique_ptr<DIR, close_folder>;

enum class work { look, remove };

error failure(int number, const std::string& path) {
    return error::from_errno(number, "cannot remove " + path)
        .with_advice("see who owns it and the folder that it is in, and try again");
}

std::uint64_t device_of(const struct statx& s) {
    return std::uint64_t{s.stx_dev_major} << 32 | s.stx_dev_minor;
}

result<void> check(const struct statx& s, std::uint64_t device_above, const std::string& path) {
    // A bind mount is on the same device; before Linux 5.8 only another device is seen.
    const bool told = (s.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
    const bool mounted = told ? (s.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0
                              : device_above != 0 && device_of(s) != device_above;
    if (!mounted) return {};
    return error(kind::conflict, "something is mounted at " + path + ", so nothing there is removed",
                 "unmount it (umount " + path + "), and try again");
}

/// A folder that is ours can be given the permissions that it lacks.
bool unlock(int folder) {
    struct stat s;
    return ::fstat(folder, &s) == 0 && (s.st_mode & 0700) != 0700 &&
           ::fchmod(folder, (s.st_mode & 07777) | 0700) == 0;
}

bool unlock_unopened(int above, const char* name) {
    // fchmod() takes no descriptor of this kind, and chmod() by name could follow a link.
    const descriptor at(::openat(above, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return at && ::chmod(("/proc/self/fd/" + std::to_string(at.get())).c_str(), 0700) == 0;
}

open_folder open_in(int above, const char* name) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    descriptor fd(::openat(above, name, flags));
    if (!fd && errno == EACCES && unlock_unopened(above, name)) fd = descriptor(::openat(above, name, flags));
    if (!fd) return nullptr;
    open_folder out(::fdopendir(fd.get()));
    if (out) (void)fd.release();
    return out;
}

int look_at(int above, const char* name, struct statx& s) {
    return ::statx(above, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &s);
}

result<void> each_in(DIR* folder, const std::string& path, std::uint64_t device, work);

/// `device_above`: 0 for the top, whose folder is somebody else's.
result<void> handle(int above, const char* name, const std::string& path, std::uint64_t device_above,
                    work w) {
    const bool top = above == AT_FDCWD;
    auto permitted = [&](int outcome) { return outcome == 0 || errno != EACCES || top || !unlock(above); };
    struct statx s;
    int outcome = look_at(above, name, s);
    if (!permitted(outcome)) outcome = look_at(above, name, s);
    if (outcome != 0) return errno == ENOENT ? result<void>() : failure(errno, path);
    // While removing, too: it may have been mounted since.
    ACT_TRY_VOID(check(s, device_above, path));
    const bool is_folder = S_ISDIR(s.stx_mode);
    if (is_folder) {
        const open_folder folder = open_in(above, name);
        if (!folder) return errno == ENOENT ? result<void>() : failure(errno, path);
        ACT_TRY_VOID(each_in(folder.get(), path, device_of(s), w));
    }
    if (w == work::look) return {};
    const int flags = is_folder ? AT_REMOVEDIR : 0;
    outcome = ::unlinkat(above, name, flags);
    if (!permitted(outcome)) outcome = ::unlinkat(above, name, flags);
    return outcome == 0 || errno == ENOENT ? result<void>() : failure(errno, path);
}

result<void> each_in(DIR* folder, const std::string& path, std::uint64_t device, work w) {
    // Some file systems pass over names while others go: until a whole reading has none.
    for (bool any = true; any;) {
        any = false;
        ::rewinddir(folder);
        for (;;) {
            errno = 0;
            const dirent* e = ::readdir(folder);
            if (!e && errno != 0) return failure(errno, path);
            if (!e) break;
            const std::string name = e->d_name;
            if (name == "." || name == "..") continue;
            ACT_TRY_VOID(handle(::dirfd(folder), name.c_str(), path + "/" + name, device, w));
            any = w == work::remove;
        }
    }
    return {};
}

}  // namespace

result<void> nothing_mounted(const std::string& path) {
    return handle(AT_FDCWD, path.c_str(), path, 0, work::look);
}

result<void> remove_tree(const std::string& path) {
    ACT_TRY_VOID(nothing_mounted(path));
    return handle(AT_FDCWD, path.c_str(), path, 0, work::remove);
}

}  // namespace act::file
