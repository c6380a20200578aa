#include "engine/file/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <limits>
#include <random>
#include <unistd.h>

#include "engine/core/units.hpp"
#include "engine/file/posix.hpp"

namespace act::file {

descriptor& descriptor::operator=(descriptor&& o) noexcept {
    if (this != &o) {
        reset();
        fd_ = o.release();
    }
    return *this;
}

int descriptor::release() { return std::exchange(fd_, -1); }

void descriptor::reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

namespace posix {

wall_time time_of(const timespec& t) {
    // Nanoseconds since 1970 in 64 bits end in 2262; a file system may hold any second.
    constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
    const std::int64_t seconds = std::clamp<std::int64_t>(t.tv_sec, -limit, limit);
    return wall_time(std::chrono::nanoseconds(seconds * 1'000'000'000 + t.tv_nsec));
}

timespec timespec_of(wall_time t) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
    return {.tv_sec = seconds.time_since_epoch().count(), .tv_nsec = (t - seconds).count()};
}

status status_of(const struct stat& s) {
    status out;
    out.type = S_ISREG(s.st_mode)   ? type::regular
               : S_ISDIR(s.st_mode) ? type::directory
               : S_ISLNK(s.st_mode) ? type::symlink
                                    : type::other;
    out.size = static_cast<std::uint64_t>(s.st_size);
    out.mode = s.st_mode & 07777;
    out.modified = time_of(s.st_mtim);
    out.device = s.st_dev;
    out.inode = s.st_ino;
    out.owner = {s.st_uid, s.st_gid};
    return out;
}

descriptor anonymous_file() {
    const char* const chosen = std::getenv("TMPDIR");
    // /var/tmp first: /tmp is often memory.
    for (const char* const folder : {chosen, "/var/tmp", "/tmp"}) {
        if (!folder || !*folder) continue;
        descriptor fd(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (fd) return fd;
        std::string name = std::string(folder) + "/act-XXXXXX";
        fd = descriptor(::mkostemp(name.data(), O_CLOEXEC));
        if (fd) {
            ::unlink(name.c_str());
            return fd;
        }
    }
    return {};
}

bool write_all(int fd, std::span<const std::byte> data) {
    while (!data.empty()) {
        const ssize_t n = ::write(fd, data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        data = data.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

std::string hidden_name(const std::string& folder) {
    thread_local std::mt19937_64 random(std::random_device{}() * 0x9E3779B97F4A7C15U ^
                                        static_cast<std::uint64_t>(::getpid()));
    char name[40];
    std::snprintf(name, sizeof name, "/.act-%016llx.tmp", static_cast<unsigned long long>(random()));
    return folder + name;
}

int rename_in(int folder, const std::string& from, const std::string& to, bool replace) {
    if (replace) return ::renameat(folder, from.c_str(), folder, to.c_str()) == 0 ? 0 : errno;
    if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // A file system that cannot: a second name does not replace either.
    if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return errno;
    ::unlinkat(folder, from.c_str(), 0);
    return 0;
}

int sync_folder(int at, const std::string& folder) {
    const descriptor open(::openat(at, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return open && ::fsync(open.get()) == 0 ? 0 : errno;
}

std::string parent_of(const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    if (end == std::string::npos) return path.empty() ? "." : "/";
    const std::size_t slash = path.rfind('/', end);
    if (slash == std::string::npos) return ".";
    const std::size_t last = path.find_last_not_of('/', slash);
    return last == std::string::npos ? "/" : path.substr(0, last + 1);
}

}  // namespace posix

result<descriptor> open_read(const std::string& path) {
    for (;;) {
        // O_NONBLOCK: a named pipe must not hang us; it means nothing for files.
        descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (fd) return fd;
        if (errno != EINTR) return error::from_errno(errno, "cannot open " + path);
    }
}

result<status> stat_of(int fd, const std::string& path) {
    struct stat s;
    if (::fstat(fd, &s) != 0) return error::from_errno(errno, "cannot look at " + path);
    return posix::status_of(s);
}

result<status> stat_of(const std::string& path, bool follow) {
    struct stat s;
    if (::fstatat(AT_FDCWD, path.c_str(), &s, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return error::from_errno(errno, "cannot look at " + path);
    }
    return posix::status_of(s);
}

result<std::size_t> read_at(int fd, std::span<std::byte> into, std::uint64_t offset,
                            const std::string& path) {
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t n =
            ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
        if (n == 0) break;
        if (n > 0) {
            done += static_cast<std::size_t>(n);
        } else if (errno != EINTR) {
            return error::from_errno(errno, "cannot read " + path);
        }
    }
    return done;
}

result<std::vector<extent>> data_of(int fd, std::uint64_t size, const std::string& path) {
    std::vector<extent> found;
    for (std::uint64_t at = 0; at < size;) {
        const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data < 0 && (errno == EINVAL || errno == EOPNOTSUPP)) return std::vector<extent>{{0, size}};
        if (data < 0) return error::from_errno(errno, "cannot look for holes in " + path);
        const off_t hole = ::lseek(fd, data, SEEK_HOLE);
        if (hole < 0) return error::from_errno(errno, "cannot look for holes in " + path);
        const auto begin = static_cast<std::uint64_t>(data);
        const std::uint64_t end = std::min(static_cast<std::uint64_t>(hole), size);
        if (begin < end) found.push_back({begin, end - begin});
        at = std::max(end, begin + 1);
    }
    return found;
}

result<void> write_at(int fd, std::span<const std::byte> data, std::uint64_t offset,
                      const std::string& path) {
    while (!data.empty()) {
        const ssize_t n = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return error::from_errno(n < 0 ? errno : EIO, "cannot write " + path);
        data = data.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

void start_writeback(int fd, std::uint64_t offset, std::uint64_t length) {
    // Only a hint: file systems without it write when they like.
    (void)::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(length),
                            SYNC_FILE_RANGE_WRITE);
}

result<std::string> read_all(const std::string& path, std::size_t cap) {
    const descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return error::from_errno(errno, "cannot open " + path);
    std::string content;
    for (;;) {
        // Not by size: pipes and files of /proc state none. One byte past the cap tells that there is more.
        const std::size_t had = content.size();
        content.resize(std::min(cap + 1, std::max<std::size_t>(had * 2, 16 * KiB)));
        const ssize_t n = ::read(fd.get(), content.data() + had, content.size() - had);
        const int failure = errno;
        content.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        if (n < 0 && failure == EINTR) continue;
        if (n < 0) return error::from_errno(failure, "cannot read " + path);
        if (n == 0) return content;
        if (content.size() > cap) {
            return error(kind::usage,
                         path + " is larger than the " + human_size(cap) + " expected of such a file",
                         "check that it is the right file");
        }
    }
}

result<bool> set_owner(int fd, owner o, const std::string& path) {
    if (::fchown(fd, o.user, o.group) == 0) return true;
    if (errno == EPERM || errno == EINVAL || errno == EOPNOTSUPP) return false;
    return error::from_errno(errno, "cannot set the owner of " + path);
}

result<void> make_directories(const std::string& path) {
    if (path.empty() || ::mkdir(path.c_str(), 0777) == 0) return {};
    int reason = errno;
    if (reason == ENOENT) {
        const std::string parent = posix::parent_of(path);
        if (parent != path && parent != ".") ACT_TRY_VOID(make_directories(parent));
        if (::mkdir(path.c_str(), 0777) == 0) return {};
        reason = errno;
    }
    struct stat s;
    if (::stat(path.c_str(), &s) == 0) {
        if (S_ISDIR(s.st_mode)) return {};  // there before, or made by somebody else meanwhile
        return error(kind::conflict,
                     "cannot make the directory " + path + ": a file of that name is in the way",
                     "remove it or choose another place");
    }
    return error::from_errno(reason, "cannot make the directory " + path);
}

result<descriptor> unnamed_file() {
    descriptor fd = posix::anonymous_file();
    if (fd) return fd;
    return error(kind::io, "there is no folder for temporary files", "point TMPDIR at one with room");
}

result<void> sync_filesystem(const std::string& path) {
    ACT_TRY(const descriptor fd, open_read(path));
    if (::syncfs(fd.get()) != 0)
        return error::from_errno(errno, "cannot bring to disk what was written below " + path);
    return {};
}

}  // namespace act::file
