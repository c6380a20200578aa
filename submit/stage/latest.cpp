#include <algorithm>
#include <filesystem>

#include "engine/codec/base64.hpp"
#include "engine/file/file.hpp"
#include "submit/cluster/secrets.hpp"
#include "submit/runs/runs.hpp"
#include "submit/stage/pack.hpp"
#include "submit/stage/secrets.hpp"

namespace act::stage {
namespace {

std::string note_of(const std::string& folder, const cluster::config& c) {
    std::string key = c.root + "\n" + c.name;
    return folder + "/latest/" +
           codec::hex(codec::as_bytes(codec::sha256_of(codec::as_bytes(key)))).substr(0, 32);
}

bool is_hash(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// Relative to the root, or empty when it lies elsewhere.
std::string inside(const std::string& root, const std::string& path) {
    std::filesystem::path full = std::filesystem::path(path).is_absolute()
                                     ? std::filesystem::path(path)
                                     : std::filesystem::path(root) / path;
    std::string relative = full.lexically_normal().lexically_relative(root).string();
    while (relative.ends_with('/')) relative.pop_back();
    return relative.empty() || relative == "." || relative.starts_with("..") ? std::string() : relative;
}

/// A base file may hold one that the file itself puts another value over.
bool tells_secret(const std::string& cluster_file) {
    auto text = file::read_all(cluster_file, scanned_size);
    return text && cluster::holds_secret(*text);
}

}  // namespace

pack_options options_for(const cluster::config& c, const std::map<std::string, std::string>& environment) {
    pack_options out;
    out.root = c.root;
    out.data_folders = cluster::data_folders(c);
    out.zip_options = c.zip_options;
    auto never = [&](const std::string& path, const char* reason, bool secret) {
        std::string name = inside(c.root, path);
        if (!name.empty()) out.never.push_back({name, reason, secret});
    };
    for (const auto& m : c.mappings) {
        if (!m.account_file.empty()) never(m.account_file, "an account file of this cluster", true);
    }
    // The cluster file travels with the code as in ACT, wherever it lies, unless a password stands in it or
    // in what it is based on.
    const bool secret = cluster::holds_secret(c) || std::any_of(c.files.begin(), c.files.end(), tells_secret);
    if (secret) {
        for (const auto& f : c.files) never(f, "a cluster file with a password", true);
    }
    auto logs = environment.find("AML_LOG_FOLDER");
    never(logs != environment.end() && !logs->second.empty() ? logs->second : "assets", "logs of runs",
          false);
    // A project may be a whole home folder.
    for (auto* folder : {runs::state_folder, runs::data_folder, runs::cache_folder}) {
        if (auto own = folder(environment)) never(*own, "act's own files", false);
    }
    return out;
}

std::string blob_name(const std::string& code_path, const std::string& hash) {
    std::string folder = code_path.ends_with(".zip") ? code_path.substr(0, code_path.size() - 4) : code_path;
    return (folder.empty() ? "" : folder + "/") + hash + ".zip";
}

result<void> remember(const std::string& folder, const cluster::config& c, const std::string& hash) {
    std::string path = note_of(folder, c);
    ACT_TRY(auto note, file::aside::create(path));
    ACT_TRY_VOID(file::write_at(note.fd(), codec::as_bytes(hash), 0, path));
    return note.publish(0600, now());
}

result<std::string> recall(const std::string& folder, const cluster::config& c) {
    error none(kind::not_found, "the code of " + c.root + " has not been packed for cluster " + c.name,
               "run `act init` first");
    auto hash = file::read_all(note_of(folder, c), 1024);
    if (!hash) return hash.error().kind() == kind::not_found ? none : hash.error();
    if (!is_hash(*hash) || !mark_used(folder + "/" + *hash + ".zip")) return none;
    return std::move(*hash);
}

}  // namespace act::stage
