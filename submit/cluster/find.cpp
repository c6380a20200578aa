#include "submit/cluster/find.hpp"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

#include "submit/cluster/suggest.hpp"

namespace act::cluster {
namespace fs = std::filesystem;

namespace {

constexpr const char* folder_of_clusters = "aux_data/aml";

bool there(const std::string& path) {
    struct stat s;
    return ::stat(path.c_str(), &s) == 0;
}

bool is_link(const std::string& path) {
    struct stat s;
    return ::lstat(path.c_str(), &s) == 0 && S_ISLNK(s.st_mode);
}

bool anybody_may_write(const std::string& folder) {
    struct stat s;
    return ::stat(folder.c_str(), &s) == 0 && (s.st_mode & S_IWOTH) != 0;
}

/// The working directory and the folders above it that are searched.
std::vector<std::string> levels(const std::string& working_directory) {
    std::vector<std::string> out;
    fs::path at = absolute_from(working_directory, "/");
    for (;;) {
        if (out.empty() || !anybody_may_write(at.string())) out.push_back(at.string());
        if (at == at.parent_path()) return out;
        at = at.parent_path();
    }
}

std::string project_root(const std::vector<std::string>& folders) {
    for (const auto& f : folders) {
        if (there(f + "/aux_data") || there(f + "/.git")) return f;
    }
    return folders.front();
}

std::string stem_of(const std::string& path) {
    std::error_code failed;
    fs::path real = fs::canonical(path, failed);
    return (failed ? fs::path(path) : real).stem().string();
}

std::vector<std::string> known_clusters(const std::vector<std::string>& folders) {
    std::vector<std::string> out;
    for (const auto& f : folders) {
        std::error_code failed;
        for (fs::directory_iterator i(f + "/" + folder_of_clusters, failed), end; !failed && i != end;
             i.increment(failed)) {
            if (i->path().extension() == ".yaml") out.push_back(i->path().stem().string());
        }
    }
    out.push_back("local");
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

error dangling(const std::string& link) {
    std::error_code failed;
    return error(kind::configuration,
                 link + " is a link to " + fs::read_symlink(link, failed).string() + ", which does not exist",
                 "point it at a cluster file, or name one with -c");
}

error no_such_cluster(const std::string& name, const std::vector<std::string>& folders) {
    auto known = known_clusters(folders);
    std::string list;
    for (const auto& k : known) list += (list.empty() ? "" : ", ") + k;
    std::string near = nearest(name, known);
    return error(
        kind::configuration,
        "no cluster '" + name + "': there is no " + folder_of_clusters + "/" + name + ".yaml in " +
            folders.front() + " or above; known: " + list,
        near.empty() ? "choose one of these with -c, or write that file" : "did you mean -c " + near + "?");
}

}  // namespace

std::string absolute_from(const std::string& path, const std::string& base) {
    std::string text = (fs::path(base) / path).lexically_normal().string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    return text;
}

result<found> find_cluster(const load_options& options) {
    auto folders = levels(options.working_directory);
    if (!options.name.empty() && options.name.find('/') != std::string::npos) {
        std::string file = absolute_from(options.name, options.working_directory);
        if (!there(file))
            return error(kind::configuration, "no cluster file " + file, "check the path given to -c");
        return found{file, project_root(folders), fs::path(file).stem().string(), "flag -c"};
    }
    if (!options.name.empty()) {
        for (const auto& f : folders) {
            std::string file = f + "/" + folder_of_clusters + "/" + options.name + ".yaml";
            if (there(file)) return found{file, f, options.name, "flag -c"};
            if (is_link(file)) return dangling(file);
        }
        if (options.name == "local") return found{"", project_root(folders), "local", "flag -c"};
        return no_such_cluster(options.name, folders);
    }
    if (auto v = options.environment.find("AML_CONFIG_PATH");
        v != options.environment.end() && !v->second.empty()) {
        // Relative to the root as in ACT, so from a sub-folder each level is tried.
        for (const auto& f : folders) {
            std::string file = absolute_from(v->second, f);
            if (!there(file)) continue;
            std::string root = v->second.front() == '/' ? project_root(folders) : f;
            return found{file, root, stem_of(file), "environment AML_CONFIG_PATH"};
        }
        return error(kind::configuration, "AML_CONFIG_PATH names " + v->second + ", which does not exist",
                     "correct or unset the variable, or name a cluster with -c");
    }
    for (const auto& f : folders) {
        std::string file = f + "/" + folder_of_clusters + "/aml.yaml";
        if (there(file)) return found{file, f, stem_of(file), "default"};
        if (is_link(file)) return dangling(file);
    }
    return found{"", project_root(folders), "local", "default"};
}

}  // namespace act::cluster
