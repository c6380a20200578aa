#include "engine/file/tree_reader.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "engine/file/posix.hpp"

namespace act::file {

namespace {

/// Longer relative paths are walked in pieces (the system's limit is PATH_MAX, the final zero included).
constexpr std::size_t piece_limit = PATH_MAX - 1;

}  // namespace

bool lineage::holds(const status& directory) const {
    for (const lineage* above = this; above; above = above->parent.get()) {
        if (above->inode == directory.inode && above->device == directory.device) return true;
    }
    return false;
}

/// One entry as the directory states it.
struct tree_reader::found {
    const char* name;
    unsigned char type;  ///< DT_…
};

tree_reader::tree_reader(std::string root, const walk_options& options, const std::atomic<bool>& interrupted,
                         stop_token stop)
    : root_(std::move(root)), options_(options), interrupted_(interrupted), stop_(std::move(stop)) {}

result<void> tree_reader::open_root() {
    root_fd_ = descriptor(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root_fd_) return error::from_errno(errno, "cannot read the folder " + printable(root_));
    return {};
}

result<descriptor> tree_reader::open(const std::string& name) const {
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (options_.links == links::follow ? 0 : O_NOFOLLOW);
    // O_NOFOLLOW minds a trailing slash: "link/" would be followed.
    std::string path = name.empty() ? "." : name.substr(0, name.size() - 1);
    descriptor above;
    while (path.size() > piece_limit) {
        const std::size_t cut = path.rfind('/', piece_limit);
        const std::string front = path.substr(0, cut);
        descriptor next(
            ::openat(above ? above.get() : root_fd_.get(), front.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!next) return error::from_errno(errno, "cannot read the folder " + shown(name));
        above = std::move(next);
        path.erase(0, cut + 1);
    }
    descriptor fd(::openat(above ? above.get() : root_fd_.get(), path.c_str(), flags));
    if (!fd) return error::from_errno(errno, "cannot read the folder " + shown(name));
    return fd;
}

tree_reader::listing tree_reader::list(int fd, const std::string& name) const {
    name_sorter sorter(options_.sort_memory);
    listing out;
    out.empty = true;
    alignas(dirent64) char buffer[32 * KiB];
    while (!interrupted_.load(std::memory_order_relaxed) && !stop_.requested()) {
        const ssize_t size = ::getdents64(fd, buffer, sizeof buffer);
        if (size < 0) {
            out.empty = false;
            report(name, error::from_errno(errno, "cannot read the folder " + shown(name)));
        }
        if (size <= 0) break;
        for (ssize_t at = 0; at < size;) {
            const auto* const e = reinterpret_cast<const dirent64*>(buffer + at);
            at += e->d_reclen;
            const std::string_view text = e->d_name;
            if (text == "." || text == "..") continue;
            out.empty = false;
            add(fd, name, {e->d_name, e->d_type}, sorter);
        }
    }
    out.names = sorter.finish();
    return out;
}

tree_reader::verdict tree_reader::judge(int fd, const std::string& directory, const found& f) const {
    unsigned type = f.type;
    struct stat s;
    const auto path = [&] { return shown(directory + f.name); };
    if (type == DT_UNKNOWN) {
        if (::fstatat(fd, f.name, &s, AT_SYMLINK_NOFOLLOW) != 0) {
            return {.problem = error::from_errno(errno, "cannot look at " + path())};
        }
        type = IFTODT(s.st_mode);
    }
    if (type == DT_LNK) {
        if (options_.links == links::skip) return {};
        if (options_.links == links::report) return {.kind = name_kind::link};
        if (::fstatat(fd, f.name, &s, 0) != 0) {
            if (errno == ENOENT) {
                return {.problem = error(kind::not_found, "the symbolic link " + path() + " leads nowhere",
                                         "remove it, or leave it out")};
            }
            return {.problem = error::from_errno(errno, "cannot follow the symbolic link " + path())};
        }
        type = IFTODT(s.st_mode);
    }
    switch (type) {
        case DT_REG:
            return {.kind = name_kind::file};
        case DT_DIR:
            return {.kind = name_kind::directory};
        case DT_FIFO:
            return {.problem = error(kind::unsupported, path() + " is a named pipe, not a file")};
        case DT_SOCK:
            return {.problem = error(kind::unsupported, path() + " is a socket, not a file")};
        default:
            return {.problem = error(kind::unsupported, path() + " is a device, not a file")};
    }
}

void tree_reader::add(int fd, const std::string& directory, const found& f, name_sorter& sorter) const {
    const std::string_view plain = f.name;
    // Nearly all there is: a file, and nobody who asks.
    if (f.type == DT_REG && !options_.want && is_utf8(plain)) return sorter.add(plain, name_kind::file);

    const verdict v = judge(fd, directory, f);
    if (!v.kind && !v.problem) return;
    const bool is_directory = v.kind == name_kind::directory;
    std::string name = directory + f.name + (is_directory ? "/" : "");
    // Asked first: what is left out is nobody's problem.
    if (options_.want && !options_.want(name, is_directory)) return;
    if (!is_utf8(plain)) {
        return report(name, error(kind::unsupported, "the name " + shown(name) + " is not valid UTF-8",
                                  "rename it: names of blobs are UTF-8"));
    }
    if (v.problem) return report(name, *v.problem);
    if (is_directory && options_.order == name_order::components) name.back() = folder_end;
    sorter.add(std::string_view(name).substr(directory.size()), *v.kind);
    if (is_directory && options_.empty_directories) sorter.add(plain, name_kind::place);
}

std::optional<entry> tree_reader::look(int fd, const std::string& directory,
                                       const sorted_names::item& item) const {
    entry e;
    e.name.reserve(directory.size() + item.name.size());
    e.name = directory;
    e.name += item.name;
    const char* const name = e.name.c_str() + directory.size();
    const bool follow = options_.links == links::follow;
    struct stat s;
    if (::fstatat(fd, name, &s, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        report(e.name, error::from_errno(errno, "cannot look at " + shown(e.name)));
        return std::nullopt;
    }
    e.info = posix::status_of(s);
    if (e.info.type != (item.kind == name_kind::link ? type::symlink : type::regular)) {
        report(e.name, error(kind::io, shown(e.name) + " became something else while the folder was read",
                             "run the same command again"));
        return std::nullopt;
    }
    if (item.kind == name_kind::link) {
        e.link_target.resize(PATH_MAX);
        const ssize_t size = ::readlinkat(fd, name, e.link_target.data(), e.link_target.size());
        if (size < 0) {
            report(e.name, error::from_errno(errno, "cannot read the symbolic link " + shown(e.name)));
            return std::nullopt;
        }
        e.link_target.resize(static_cast<std::size_t>(size));
        e.link_target.shrink_to_fit();
    }
    return e;
}

void tree_reader::report(const std::string& name, const error& e) const {
    if (options_.problem) options_.problem(path_of(name), e);
}

std::string tree_reader::path_of(const std::string& name) const {
    if (name.empty()) return root_;
    return root_ + (root_.ends_with('/') ? "" : "/") + name;
}

std::string tree_reader::shown(const std::string& name) const { return printable(path_of(name)); }

}  // namespace act::file
