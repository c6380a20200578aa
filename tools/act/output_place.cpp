#include "tools/act/output_place.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace act::cli {

namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as the system itself
constexpr auto look_again = std::chrono::milliseconds(50);

error not_handed_over(const std::string& path) {
    return error(kind::usage, "cannot write " + path + ": act was started without that descriptor",
                 "open it for act, as `... 3> FILE` does, or name the file itself");
}

/// /dev/fd/3 and what leads to it, as /dev/stdout does. A second opening of a file would begin at its start
/// again; the descriptor itself goes on where it is.
result<output_place> descriptor_named(const std::string& name, const std::string& path) {
    int number = -1;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem != std::errc() || end != name.data() + name.size()) return not_handed_over(path);
    // Those that act opened itself, and does not hand on, are not what the caller can mean.
    const int flags = ::fcntl(number, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) return not_handed_over(path);
    output_place place;
    place.open = file::descriptor(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!place.open) return error::from_errno(errno, "cannot write " + path);
    return place;
}

result<output_place> open_in_place(const std::string& at, const struct stat& s, const std::string& path,
                                   const until& u) {
    if (S_ISBLK(s.st_mode)) {
        return error(kind::conflict, "cannot write " + path + ": it is a disk", "give the name of a file");
    }
    output_place place;
    for (;;) {
        place.open = file::descriptor(::open(at.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (place.open) return place;
        // A pipe that nobody reads yet.
        if (errno != ENXIO || !S_ISFIFO(s.st_mode)) return error::from_errno(errno, "cannot write " + path);
        ACT_TRY_VOID(u.check());
        std::this_thread::sleep_for(look_again);
    }
}

/// The folder's path without links, or why there is none.
result<fs::path> folder_of(const fs::path& at, const std::string& path) {
    const fs::path folder = at.parent_path().empty() ? fs::path(".") : at.parent_path();
    std::error_code failed;
    const fs::path real = fs::canonical(folder, failed);
    if (failed == std::errc::no_such_file_or_directory) {
        return error(kind::not_found, "cannot write " + path + ": there is no folder " + folder.string(),
                     "make it, or choose another place");
    }
    if (failed) return error::from_errno(failed.value(), "cannot write " + path);
    return real;
}

/// "/proc/123/fd" is where the links are that are none: what they show need not be a path at all.
bool holds_descriptors(const fs::path& folder) {
    return folder.filename() == "fd" &&
           folder.string().starts_with("/proc/" + std::to_string(::getpid()) + "/");
}

}  // namespace

result<output_place> find_output(const std::string& path, const until& u) {
    if (path.ends_with('/')) return error(kind::usage, "cannot write '" + path + "': not a file name");
    fs::path at = path;
    for (int links = 0; links <= most_links; ++links) {
        ACT_TRY(const fs::path folder, folder_of(at, path));
        if (holds_descriptors(folder)) return descriptor_named(at.filename().string(), path);
        const fs::path here = folder / at.filename();
        struct stat s {};
        if (::lstat(here.c_str(), &s) != 0) {
            if (errno != ENOENT) return error::from_errno(errno, "cannot write " + path);
            return output_place{.file = here.string(), .open = {}};
        }
        if (S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)) return output_place{.file = here.string(), .open = {}};
        if (!S_ISLNK(s.st_mode)) return open_in_place(here.string(), s, path, u);
        std::error_code failed;
        const fs::path target = fs::read_symlink(here, failed);
        if (failed) return error::from_errno(failed.value(), "cannot write " + path);
        at = (folder / target).string();
    }
    return error::from_errno(ELOOP, "cannot write " + path);
}

}  // namespace act::cli
