#include "tools/act/run_folder.hpp"

#include <filesystem>

#include <fmt/format.h>

namespace act::cli {

namespace fs = std::filesystem;

result<std::string> path_in_run(const runs::record& r, const std::string& name) {
    const fs::path relative = fs::path(name).lexically_normal();
    if (relative.is_absolute() || (!relative.empty() && *relative.begin() == ".."))
        return error(kind::usage, name + " is not below the run's folder", "`act files RUN` lists what is");
    const std::string id = runs::short_id(r.id);
    auto folder = file::stat_of(r.folder);
    if (!folder) {
        return error(kind::not_found,
                     fmt::format("the folder of run {}, {}, is not on this machine", r.id, r.folder),
                     "outputs that went to the store are there: `act ls output`");
    }
    std::string path = name.empty() ? r.folder : (fs::path(r.folder) / relative).string();
    while (path.ends_with('/')) path.pop_back();
    if (!file::stat_of(path, false)) {
        return error(kind::not_found, fmt::format("run {} has no {}", r.id, name),
                     fmt::format("`act files {}` lists what it has", id));
    }
    return path;
}

}  // namespace act::cli
