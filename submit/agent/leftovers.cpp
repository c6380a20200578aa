#include "submit/agent/leftovers.hpp"

#include <filesystem>
#include <sys/stat.h>
#include <tuple>

namespace act::agent {

namespace {

constexpr std::size_t shown = 3;

bool is_later(const timespec& a, const timespec& b) {
    return std::tie(b.tv_sec, b.tv_nsec) < std::tie(a.tv_sec, a.tv_nsec);
}

}  // namespace

leftovers find_leftovers(const std::string& work) {
    leftovers out;
    struct stat ready;
    if (::lstat((work + "/ready").c_str(), &ready) != 0) return out;
    namespace fs = std::filesystem;
    const fs::path code = work + "/code";
    std::error_code ignored;
    fs::recursive_directory_iterator at(code, fs::directory_options::skip_permission_denied, ignored), end;
    for (; at != end; at.increment(ignored)) {
        const fs::path& path = at->path();
        struct stat s;
        if (::lstat(path.c_str(), &s) != 0) continue;
        if (S_ISDIR(s.st_mode) && path.filename() == "__pycache__") at.disable_recursion_pending();
        // The time of the last change cannot be set back, as that of modification is by tar and cp -p.
        if (!S_ISREG(s.st_mode) || !is_later(s.st_ctim, ready.st_mtim)) continue;
        if (++out.files <= shown) out.names.push_back(path.lexically_relative(code).string());
    }
    return out;
}

}  // namespace act::agent
