#include "engine/file/link.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "engine/file/posix.hpp"

namespace act::file {

result<bool> make_link(int folder, const std::string& path, const new_link& wanted, bool& owned) {
    const auto failure = [&](int number) {
        if (number == EISDIR || number == ENOTEMPTY) {
            return error(kind::conflict, "cannot make the symbolic link " + path + ": a folder is in the way",
                         "remove it or choose another name");
        }
        return error::from_errno(number, "cannot make the symbolic link " + path);
    };
    // Under a name of its own until it has its time.
    std::string temporary;
    for (;;) {
        temporary = posix::hidden_name(".");
        if (::symlinkat(wanted.target.c_str(), folder, temporary.c_str()) == 0) break;
        if (errno != EEXIST) return failure(errno);
    }
    owned = !wanted.owner || ::fchownat(folder, temporary.c_str(), wanted.owner->user, wanted.owner->group,
                                        AT_SYMLINK_NOFOLLOW) == 0;
    timespec now{};
    now.tv_nsec = UTIME_NOW;
    const timespec times[2] = {now, posix::timespec_of(wanted.modified)};
    // Some file systems have no times of links; the link is what matters.
    (void)::utimensat(folder, temporary.c_str(), times, AT_SYMLINK_NOFOLLOW);
    const int number = posix::rename_in(folder, temporary, path.substr(path.rfind('/') + 1), wanted.replace);
    if (number == 0) return true;
    ::unlinkat(folder, temporary.c_str(), 0);
    if (number == EEXIST && !wanted.replace) return false;
    return failure(number);
}

result<std::string> read_link(const std::string& path) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size < 0) return error::from_errno(errno, "cannot read the symbolic link " + path);
    target.resize(static_cast<std::size_t>(size));
    return target;
}

}  // namespace act::file
