#include "tools/act/begun_mark.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace act::cli {

namespace {

constexpr std::string_view text =
    "act began to change the destination of the manifest beside this file, which does not tell of that yet.\n"
    "While this file is here, act does not believe the manifest, and lists the destination instead.\n";

/// One name for a file, whatever links lead to it: they stay, and a new manifest takes the place of the file.
std::string one_name(const std::string& path) {
    std::error_code unknown;
    const auto real = std::filesystem::weakly_canonical(path, unknown);
    return unknown ? path : real.string();
}

error at_work(const std::string& manifest) {
    return error(kind::conflict, "another run is at work with " + manifest + ", or was meanwhile",
                 "when it has ended, run the same command again");
}

}  // namespace

bool begun_mark::fits(const std::string& manifest) {
    struct stat s {};
    const bool there = ::stat(manifest.c_str(), &s) == 0;
    // What is open under a number need not have a name.
    return (!there || S_ISREG(s.st_mode)) && !one_name(manifest).starts_with("/proc/");
}

begun_mark::begun_mark(const std::string& manifest)
    : manifest_(one_name(manifest)), path_(manifest_ + ".begun"), at_first_(manifest_now()) {}

std::optional<begun_mark::identity> begun_mark::manifest_now() const {
    struct stat s {};
    if (::stat(manifest_.c_str(), &s) != 0) return std::nullopt;
    return identity{s.st_dev, s.st_ino, static_cast<std::uint64_t>(s.st_size), s.st_mtim.tv_sec,
                    s.st_mtim.tv_nsec};
}

bool begun_mark::manifest_there() const { return manifest_now().has_value(); }

bool begun_mark::there() const {
    struct stat s {};
    if (::lstat(path_.c_str(), &s) == 0) return true;
    // What cannot be looked at may be there.
    return errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG;
}

result<bool> begun_mark::open(int flags) {
    fd_ = file::descriptor(
        ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0666));
    if (!fd_ && errno == EEXIST) return false;
    if (!fd_) {
        const error why = error::from_errno(errno, "cannot write " + path_);
        return error(why.kind(), why.message(),
                     "it is to tell the next run that the manifest is not true any more, should this one be "
                     "interrupted: keep the manifest in a folder that can be written, or leave --manifest-in "
                     "out; nothing was changed");
    }
    // Where locks do not work at all it goes without.
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        fd_ = file::descriptor();
        return at_work(manifest_);
    }
    return true;
}

bool begun_mark::stands_under_its_name() const {
    struct stat mine {
    }, named{};
    return ::fstat(fd_.get(), &mine) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
           mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

/// On the disk, name included, before the first change is: else a crash of the machine could lose it.
result<void> begun_mark::settle() const {
    auto failed = [this] { return error::from_errno(errno, "cannot write " + path_); };
    if (::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
        return failed();
    if (::fsync(fd_.get()) != 0) return failed();
    const auto folder = std::filesystem::path(path_).parent_path();
    const file::descriptor in(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems know no such thing as a folder on the disk.
    if (in && ::fsync(in.get()) != 0 && errno != EINVAL) return failed();
    return {};
}

result<void> begun_mark::make() {
    if (held()) return {};
    ACT_TRY(const bool made, open(O_EXCL));
    if (!made) return at_work(manifest_);
    if (!stands_under_its_name()) {  // one that does not believe the manifest took and removed it
        fd_ = file::descriptor();
        return at_work(manifest_);
    }
    // Another run may have come to its end since this one read the manifest.
    if (manifest_now() != at_first_) {
        remove();
        return at_work(manifest_);
    }
    auto outcome = settle();
    if (!outcome) remove();
    return outcome;
}

result<void> begun_mark::take() {
    while (!held()) {
        ACT_TRY(const bool open_now, open(0));
        // The one that held it before may have removed it meanwhile.
        if (!open_now || !stands_under_its_name()) fd_ = file::descriptor();
    }
    return settle();
}

void begun_mark::remove() {
    if (!held()) return;
    if (stands_under_its_name()) ::unlink(path_.c_str());
    fd_ = file::descriptor();
}

}  // namespace act::cli
