#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "engine/file/posix.hpp"

namespace act::file {

namespace {

constexpr std::uint64_t sync_from = 64 * MiB;

/// linkat finds an unnamed file through /proc only (the other way needs a privilege).
bool has_proc() {
    static const bool has = ::access("/proc/self/fd", X_OK) == 0;
    return has;
}

/// What open(O_TMPFILE) answers where the file system or the kernel does not know it.
bool unknown_to_filesystem(int number) {
    return number == EOPNOTSUPP || number == EISDIR || number == EINVAL || number == ENOSYS;
}

error in_the_way(const std::string& target) {
    return error(kind::conflict, "cannot write " + target + ": a directory of that name is in the way",
                 "remove it or choose another name");
}

}  // namespace

struct aside::state {
    std::string target;  ///< the path for messages
    /// Where it goes: paths from the working directory, or (create_in) names in an open folder.
    int at = AT_FDCWD;
    std::shared_ptr<const descriptor> folder;
    std::string directory, place;
    std::string temporary;  ///< the name it has meanwhile; empty while it has none
    bool kept = false;
    bool replaces = false;  ///< something stood at the target when we began
    descriptor fd;

    ~state() {
        if (!kept && !temporary.empty()) ::unlinkat(at, temporary.c_str(), 0);
    }

    error failure(int number) const { return error::from_errno(number, "cannot write " + target); }

    result<void> look_at_target();
    result<void> open(naming);
    int open_unnamed();
    int open_hidden();
    result<void> open_kept(const std::string& name);
    result<void> lock_kept();
    int link_unnamed(const std::string& name) const;
    result<void> finish_content(std::uint32_t mode, wall_time modified, durability);
    std::string kept_path() const {
        return posix::parent_of(target) + temporary.substr(temporary.rfind('/'));
    }
    /// False when something stands there that is not to be replaced.
    result<bool> appear(bool replace);
};

result<void> aside::state::look_at_target() {
    struct stat s;
    if (::fstatat(at, place.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) return {};
    if (S_ISDIR(s.st_mode)) return in_the_way(target);
    replaces = true;
    return {};
}

/// Each open_ function returns 0 or the errno.
int aside::state::open_unnamed() {
    fd = descriptor(::openat(at, directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
    return fd ? 0 : errno;
}

int aside::state::open_hidden() {
    for (;;) {
        std::string name = posix::hidden_name(directory);
        fd = descriptor(::openat(at, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
        if (!fd && errno == EEXIST) continue;
        if (!fd) return errno;
        temporary = std::move(name);
        return 0;
    }
}

result<void> aside::state::open(naming how) {
    const auto attempt = [&] {
        if (how == naming::unnamed && has_proc()) {
            const int number = open_unnamed();
            if (!unknown_to_filesystem(number)) return number;
        }
        return open_hidden();
    };
    int number = attempt();
    // Most targets share a directory that is there already: it is made only when missed.
    if (!folder && (number == ENOENT || number == ENOTDIR)) {
        ACT_TRY_VOID(make_directories(directory));
        number = attempt();
    }
    if (number != 0) return failure(number);
    return {};
}

result<void> aside::state::open_kept(const std::string& name) {
    if (name.find('/') != std::string::npos || name == "." || name == "..") {
        return error(kind::internal, "not a plain file name: " + name);
    }
    temporary = directory + '/' + name;
    kept = true;
    if (!folder) ACT_TRY_VOID(make_directories(directory));
    return lock_kept();
}

/// Two processes that continue the same file would mix their bytes.
result<void> aside::state::lock_kept() {
    for (;;) {
        fd = descriptor(
            ::openat(at, temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
        if (!fd) return error::from_errno(errno, "cannot write " + kept_path());
        struct stat mine, named;
        if (::fstat(fd.get(), &mine) != 0) return error::from_errno(errno, "cannot look at " + kept_path());
        if (!S_ISREG(mine.st_mode)) {
            return error(kind::conflict, "cannot write " + kept_path() + ": it is not a file", "remove it");
        }
        // Where locks do not work at all it goes without.
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            return error(kind::conflict, "another process is writing " + target,
                         "wait until it has ended, then run the same command again");
        }
        // The one that held the lock before may have published the file, and with it the lock we got.
        if (::fstatat(at, temporary.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            named.st_ino == mine.st_ino && named.st_dev == mine.st_dev) {
            return {};
        }
    }
}

int aside::state::link_unnamed(const std::string& name) const {
    char source[40];
    std::snprintf(source, sizeof source, "/proc/self/fd/%d", fd.get());
    return ::linkat(AT_FDCWD, source, at, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

result<void> aside::state::finish_content(std::uint32_t mode, wall_time modified, durability how) {
    // Some network file systems have no modes; the content is what matters.
    if (mode != 0 && ::fchmod(fd.get(), mode & 07777) != 0 && errno != EPERM && errno != EOPNOTSUPP) {
        return failure(errno);
    }
    timespec now{};
    now.tv_nsec = UTIME_NOW;
    const timespec times[2] = {now, posix::timespec_of(modified)};
    if (::futimens(fd.get(), times) != 0) return failure(errno);

    struct stat s;
    if (::fstat(fd.get(), &s) != 0) return failure(errno);
    if (how == durability::synced || static_cast<std::uint64_t>(s.st_size) >= sync_from) {
        if (::fdatasync(fd.get()) != 0) return failure(errno);
    }
    // Network file systems tell at close() that the disk was full; a second descriptor leaves the lock where
    // it is.
    if (!temporary.empty()) {
        const int second = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
        if (second < 0 || (::close(second) != 0 && errno != EINTR)) return failure(errno);
    }
    return {};
}

result<bool> aside::state::appear(bool replace) {
    if (temporary.empty() && (!replaces || !replace)) {
        const int number = link_unnamed(place);
        if (number == 0) return true;
        if (number != EEXIST) return failure(number);
        if (!replace) return false;
    }
    // linkat cannot replace: a name of its own first, then rename.
    while (temporary.empty()) {
        std::string name = posix::hidden_name(directory);
        const int number = link_unnamed(name);
        if (number == 0) {
            temporary = std::move(name);
        } else if (number != EEXIST) {
            return failure(number);
        }
    }
    const int number = posix::rename_in(at, temporary, place, replace);
    if (number == EEXIST && !replace) return false;
    if (number != 0) return number == EISDIR || number == ENOTEMPTY ? in_the_way(target) : failure(number);
    temporary.clear();
    return true;
}

aside::aside(std::unique_ptr<state> s) : state_(std::move(s)) {}
aside::aside(aside&&) noexcept = default;
aside& aside::operator=(aside&&) noexcept = default;
aside::~aside() = default;

result<aside> aside::begin(std::unique_ptr<state> s, std::string keep_as, naming how) {
    if (s->target.empty() || s->target.back() == '/') {
        return error(kind::usage, "cannot write '" + s->target + "': not a file name");
    }
    ACT_TRY_VOID(s->look_at_target());
    ACT_TRY_VOID(keep_as.empty() ? s->open(how) : s->open_kept(keep_as));
    return aside(std::move(s));
}

result<aside> aside::create(std::string target, std::string keep_as, naming how) {
    auto s = std::make_unique<state>();
    s->directory = posix::parent_of(target);
    s->place = target;
    s->target = std::move(target);
    return begin(std::move(s), std::move(keep_as), how);
}

result<aside> aside::create_in(std::shared_ptr<const descriptor> folder, std::string target,
                               std::string keep_as, naming how) {
    auto s = std::make_unique<state>();
    s->at = folder->get();
    s->folder = std::move(folder);
    s->directory = ".";
    s->place = target.substr(target.rfind('/') + 1);
    s->target = std::move(target);
    return begin(std::move(s), std::move(keep_as), how);
}

int aside::fd() const { return state_->fd.get(); }
const std::string& aside::target() const { return state_->target; }

result<void> aside::rename_target(std::string target) {
    state& s = *state_;
    if (s.folder || posix::parent_of(target) != s.directory)
        return error(kind::internal, "not in the folder of " + s.target + ": " + target);
    s.place = target;
    s.target = std::move(target);
    s.replaces = false;
    return s.look_at_target();
}

result<bool> aside::publish_as(bool replace, std::uint32_t mode, wall_time modified, durability how) {
    state& s = *state_;
    ACT_TRY_VOID(s.finish_content(mode, modified, how));
    ACT_TRY(const bool appeared, s.appear(replace));
    if (!appeared) {
        discard();
        return false;
    }
    s.fd.reset();
    if (how == durability::synced) {
        if (const int failed = posix::sync_folder(s.at, s.directory)) return s.failure(failed);
    }
    return true;
}

result<void> aside::publish(std::uint32_t mode, wall_time modified, durability how) {
    ACT_TRY_VOID(publish_as(true, mode, modified, how));
    return {};
}

result<bool> aside::publish_new(std::uint32_t mode, wall_time modified, durability how) {
    return publish_as(false, mode, modified, how);
}

void aside::discard() {
    if (!state_->temporary.empty()) ::unlinkat(state_->at, state_->temporary.c_str(), 0);
    state_->temporary.clear();
    state_->fd.reset();
}

}  // namespace act::file
