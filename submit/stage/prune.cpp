#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/file/file.hpp"
#include "submit/stage/pack.hpp"

namespace act::stage {
namespace fs = std::filesystem;

namespace {

constexpr auto in_use_for = std::chrono::hours(1);

struct candidate {
    std::string path, hash;  ///< no hash: an index
    std::uint64_t bytes = 0;
    wall_time used{};
};

/// Regular files of one folder; what goes away meanwhile is not there.
std::vector<candidate> files_in(const std::string& folder) {
    std::vector<candidate> out;
    std::error_code ignored;
    for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
        auto info = file::stat_of(at->path().string(), false);
        if (!info || info->type != file::type::regular) continue;
        out.push_back({at->path().string(), {}, info->size, info->modified});
    }
    return out;
}

}  // namespace

bool mark_used(const std::string& archive) {
    // Another user's archive cannot be touched, and need not be: it is theirs to prune.
    return ::utimensat(AT_FDCWD, archive.c_str(), nullptr, 0) == 0 || ::access(archive.c_str(), R_OK) == 0;
}

result<std::uint64_t> prune(const std::string& folder, std::uint64_t bound,
                            const std::function<result<std::set<std::string>>()>& needed) {
    std::vector<candidate> all = files_in(folder + "/index");
    for (auto& c : files_in(folder)) {
        c.hash = fs::path(c.path).stem().string();
        if (c.path.ends_with(".zip")) all.push_back(std::move(c));
    }
    std::uint64_t total = 0;
    for (const auto& c : all) total += c.bytes;
    if (total <= bound) return std::uint64_t{0};

    ACT_TRY(std::set<std::string> stays, needed());
    for (const auto& note : files_in(folder + "/latest")) {
        if (auto hash = file::read_all(note.path, 1024)) stays.insert(std::move(*hash));
    }
    std::sort(all.begin(), all.end(), [](const candidate& a, const candidate& b) { return a.used < b.used; });
    const wall_time recent = now() - in_use_for;
    std::uint64_t gone = 0;
    for (const auto& c : all) {
        if (total - gone <= bound || c.used > recent) break;
        if (stays.count(c.hash)) continue;
        if (::unlink(c.path.c_str()) != 0 && errno != ENOENT) {
            return error::from_errno(errno, "cannot remove " + c.path);
        }
        gone += c.bytes;
    }
    return gone;
}

}  // namespace act::stage
