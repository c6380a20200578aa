#include <filesystem>

#include "submit/cluster/cluster.hpp"
#include "submit/cluster/find.hpp"
#include "submit/cluster/suggest.hpp"

namespace act::cluster {
namespace fs = std::filesystem;

namespace {

/// `path` relative to `root`, both absolute and normal; nothing when it lies elsewhere. The root itself is
/// "".
std::optional<std::string> below(const std::string& path, const std::string& root) {
    if (path == root) return std::string();
    std::string prefix = root == "/" ? root : root + "/";
    if (!path.starts_with(prefix)) return std::nullopt;
    return path.substr(prefix.size());
}

/// The same after links in both are resolved, for a project that is reached by another name.
std::optional<std::string> really_below(const std::string& path, const std::string& root) {
    std::error_code failed;
    fs::path real_root = fs::canonical(root, failed);
    if (failed) return std::nullopt;
    fs::path real = fs::weakly_canonical(path, failed);
    if (failed) return std::nullopt;
    return below(real.string(), real_root.string());
}

std::string folders_text(const config& c) {
    std::string list;
    for (const auto& m : c.mappings) {
        if (!m.folder.empty()) list += (list.empty() ? "" : ", ") + m.folder;
    }
    return list.empty() ? "none" : list;
}

error not_mapped(const config& c, const std::string& path, const std::string& first) {
    std::vector<std::string> folders = data_folders(c);
    std::string near = nearest(first, folders);
    std::string advice = near.empty()
                             ? "add " + first + "_folder to config_param in " + c.file
                             : "did you mean '" + near + path.substr(path.find(first) + first.size()) + "'?";
    return error(kind::usage,
                 "'" + path + "': the folder '" + first + "' is not mapped in cluster " + c.name +
                     "; mapped: " + folders_text(c),
                 advice);
}

}  // namespace

result<location> locate(const config& c, const std::string& path, const std::string& working_directory) {
    if (path.empty()) return error(kind::usage, "a path is empty", "name a file or folder of the project");
    location out;
    out.trailing_slash = path.back() == '/';
    std::string full = absolute_from(path, working_directory);
    auto relative = below(full, c.root);
    if (!relative) relative = really_below(full, c.root);
    if (!relative) {
        return error(kind::usage, "'" + path + "' lies outside the project " + c.root,
                     "name a path below a mapped folder: " + folders_text(c));
    }
    if (relative->empty()) {
        return error(kind::usage, "'" + path + "' is the project's root, which is not mapped as a whole",
                     "name a folder below it: " + folders_text(c));
    }
    out.relative = *relative;
    out.local = c.root == "/" ? "/" + out.relative : c.root + "/" + out.relative;
    std::size_t slash = out.relative.find('/');
    std::string first = out.relative.substr(0, slash);
    std::string rest = slash == std::string::npos ? std::string() : out.relative.substr(slash + 1);
    for (const auto& m : c.mappings) {
        bool wildcard = m.folder == "*" && c.builtin_local;
        if (m.folder.empty() || (m.folder != first && !wildcard)) continue;
        if (m.storage_type == "file") {
            return error(kind::unsupported, "'" + path + "': " + m.key + " is on an Azure file share",
                         "act moves blobs only; mount the share to reach it");
        }
        const std::string& tail = wildcard ? out.relative : rest;
        out.map = &m;
        out.blob_path = m.path.empty() || tail.empty() ? m.path + tail : m.path + "/" + tail;
        return out;
    }
    return not_mapped(c, path, first);
}

}  // namespace act::cluster
