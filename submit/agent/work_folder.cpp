#include "submit/agent/work_folder.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file/tree_removal.hpp"
#include "submit/agent/container_end.hpp"
#include "submit/agent/supervise.hpp"

namespace act::agent {
namespace fs = std::filesystem;

namespace {

/// Locked by the run; its identity, then the program and the name of its container, a line each.
constexpr const char* owner_file = "/owner";
/// When it was kept.
constexpr const char* kept_file = "/kept";
/// Beginning of the names of what is being removed.
constexpr std::string_view removed = ".removed-";
/// Between the making of a folder and its owner file there is no more than this, by far.
constexpr auto ownerless = std::chrono::hours(24);

bool lock(const file::descriptor& fd, int how) {
    while (::flock(fd.get(), how) != 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

struct abandoned {
    file::descriptor lock;
    named_container container;
};

/// Nothing: somebody has it, or had it on another machine, whose locks need not be seen here.
std::optional<abandoned> claim(const std::string& work) {
    const std::string path = work + owner_file;
    abandoned out;
    out.lock = file::descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!out.lock || !lock(out.lock, LOCK_EX | LOCK_NB)) return std::nullopt;
    const auto text = file::read_all(path, 64 << 10);
    if (!text) return std::nullopt;
    std::istringstream lines(*text);
    std::string identity;
    std::getline(lines, identity);
    std::getline(lines, out.container.program);
    std::getline(lines, out.container.name);
    if (!lives(identity).has_value()) return std::nullopt;
    return out;
}

/// From its place at once: what is cut short goes the next time.
result<void> remove_whole(const fs::path& work) {
    ACT_TRY_VOID(file::nothing_mounted(work.string()));
    const std::string aside =
        work.parent_path().string() + "/" + std::string(removed) + work.filename().string();
    if (::rename(work.c_str(), aside.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return error::from_errno(errno, "cannot remove " + work.string());
    }
    return file::remove_tree(aside);
}

/// With its container, which may be at work in it yet.
result<void> remove_abandoned(const std::string& work, const abandoned& a) {
    if (!a.container.name.empty() && !remove_container(a.container)) {
        return error(kind::conflict,
                     work + " stays: its container " + a.container.name + " may still be there",
                     "end it: " + removal_of(a.container));
    }
    return remove_whole(work);
}

wall_time changed(const std::string& path) {
    const auto info = file::stat_of(path, false);
    return info ? info->modified : now();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::vector<std::string> all_in(const std::string& folder) {
    std::vector<std::string> out;
    std::error_code failed;
    for (fs::directory_iterator i(folder, failed), end; !failed && i != end; i.increment(failed))
        out.push_back(i->path().string());
    return out;
}

result<void> remove_if_left(const std::string& work) {
    if (fs::path(work).filename().string().starts_with(removed)) return file::remove_tree(work);
    if (exists(work + owner_file)) {
        const auto claimed = claim(work);
        return claimed ? remove_abandoned(work, *claimed) : result<void>();
    }
    const bool left = !exists(work + kept_file) && changed(work) < now() - ownerless;
    return left ? remove_whole(work) : result<void>();
}

}  // namespace

result<file::descriptor> make_work_folder(const std::string& work, const std::string& program,
                                          const std::string& name) {
    if (::mkdir(work.c_str(), 0700) != 0) return error::from_errno(errno, "cannot make " + work);
    const std::string path = work + owner_file;
    const std::string text = own_identity() + "\n" + program + "\n" + name + "\n";
    ACT_TRY(auto out, file::aside::create(path));
    ACT_TRY_VOID(file::write_at(out.fd(), std::as_bytes(std::span(text)), 0, path));
    // Before it has its name. Where locks do not work nobody gets it, so the folder stays.
    file::descriptor held(::fcntl(out.fd(), F_DUPFD_CLOEXEC, 0));
    if (!held) return error::from_errno(errno, "cannot hold " + path);
    (void)lock(held, LOCK_EX | LOCK_NB);
    ACT_TRY_VOID(out.publish(0600, now()));
    return held;
}

void keep_work_folder(const std::string& work) {
    // In this order, so that it is never without both.
    const file::descriptor mark(
        ::open((work + kept_file).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (mark) ::unlink((work + owner_file).c_str());
}

std::vector<std::string> remove_left_behind(const std::string& folder) {
    std::vector<std::string> said;
    for (const auto& work : all_in(folder)) {
        if (auto gone = remove_if_left(work); !gone)
            said.push_back(gone.error().message() + "; " + gone.error().advice());
    }
    return said;
}

std::vector<std::string> old_work_folders(const std::string& folder, wall_time moment) {
    std::vector<std::string> out;
    for (const auto& work : all_in(folder)) {
        const bool kept = exists(work + kept_file), owned = exists(work + owner_file);
        if (!kept && (owned ? !claim(work) : changed(work) >= now() - ownerless)) continue;
        if (changed(kept ? work + kept_file : work) < moment) out.push_back(work);
    }
    return out;
}

result<void> remove_old(const std::string& work) {
    if (exists(work + kept_file)) return remove_whole(work);
    return remove_if_left(work);
}

}  // namespace act::agent
