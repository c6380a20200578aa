#include "engine/file/tree_size.hpp"

#include <filesystem>

#include "engine/file/file.hpp"

namespace act::file {
namespace fs = std::filesystem;

std::uint64_t bytes_in(const std::string& path) {
    auto bytes_of = [](const std::string& at) {
        auto info = stat_of(at, false);
        return info && info->type == type::regular ? info->size : 0;
    };
    std::uint64_t total = bytes_of(path);
    std::error_code ignored;
    const auto how = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator at(path, how, ignored), end; at != end; at.increment(ignored))
        total += bytes_of(at->path().string());
    return total;
}

}  // namespace act::file
