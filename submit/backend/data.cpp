#include "submit/backend/data.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"
#include "engine/file/file.hpp"
#include "submit/stage/pack.hpp"

// The rules, for each data folder X:
// - X is in the project: X is linked to it; a path below it that the command names and that is only in the
// store is
//   downloaded to its place there, as `act d` does.
// - X has the mode upload: each run has one of its own, see local.cpp.
// - X is not in the project: what the command names below X, or else all of X, is downloaded to a cache, and
// X is linked to
//   that. With nothing in the store X becomes an empty folder of the project, for outputs.
// On the built-in cluster every first component is mapped, so there X counts as data when it is one by
// convention, or is not in the project but named by the command and present in the store.
namespace act::backend {
namespace fs = std::filesystem;

namespace {

bool exists(const std::string& path) {
    std::error_code failed;
    return fs::exists(path, failed);
}

/// The argument, and what stands behind its '=', where these can be paths.
std::vector<std::string> candidates(const std::string& argument) {
    std::vector<std::string> out;
    auto add = [&](const std::string& text) {
        bool path = !text.empty() && text.size() < 4096 && text.front() != '-' &&
                    text.find('\n') == std::string::npos && text.find("://") == std::string::npos;
        if (path) out.push_back(text);
    };
    add(argument);
    if (auto equals = argument.find('='); equals != std::string::npos) add(argument.substr(equals + 1));
    return out;
}

std::string first_of(const std::string& relative) { return relative.substr(0, relative.find('/')); }

class placement {
public:
    placement(const cluster::config& c, services& s, until u) : config_(c), services_(s), until_(u) {}

    task<result<std::vector<agent::link>>> run(const std::vector<std::string>& words) {
        for (const auto& f : cluster::data_folders(config_)) named_[f];
        for (const auto& argument : words) {
            for (const auto& text : candidates(argument)) note_path(text);
        }
        for (const auto& [folder, paths] : named_) {
            if (mode_of(folder) == "upload") continue;
            auto placed = co_await place(folder, paths);
            if (!placed) co_return placed.error();
        }
        co_return std::move(links_);
    }

private:
    void note_path(const std::string& text) {
        auto at = cluster::locate(config_, text, config_.root);
        if (!at) return;
        std::string folder = first_of(at->relative);
        bool known = named_.count(folder) != 0;
        // "count.py" is no data, nor is a line for the shell; "sets/a" may be, unless "sets" came with the
        // code.
        bool plain = folder != at->relative && text.find_first_of(" \t;|&<>$`*?(){}\"'") == std::string::npos;
        if (!known && (!plain || !services_.data || exists(config_.root + "/" + folder))) return;
        named_[folder].insert(at->relative);
    }

    task<result<void>> place(std::string folder, std::set<std::string> paths) {
        std::string here = config_.root + "/" + folder;
        bool conventional = config_.builtin_local && is_data_folder(folder);
        if (exists(here)) {
            for (const auto& path : paths) {
                if (exists(config_.root + "/" + path) || !services_.data) continue;
                auto fetched = co_await fetch(path, config_.root + "/" + path);
                if (!fetched) co_return fetched.error();
            }
            links_.push_back({folder, here});
            co_return result<void>();
        }
        if (conventional && paths.empty() && (folder == "output" || !services_.data))
            co_return result<void>();
        std::string mode = mode_of(folder);
        if (mode == "link" || mode == "mount") {
            co_return error(kind::not_found,
                            "the folder " + here + ", which " + folder + "_folder links to, does not exist",
                            "make it, or download it first: act d " + folder);
        }
        bool named = !paths.empty();
        if (!named) paths.insert(folder);
        auto cache = cache_of(folder);
        if (!cache) co_return cache.error();
        bool any = false;
        for (const auto& path : paths) {
            auto fetched = co_await fetch(path, *cache + path.substr(folder.size()));
            if (!fetched) co_return fetched.error();
            any = any || *fetched;
        }
        if (any) {
            links_.push_back({folder, *cache});
            co_return result<void>();
        }
        if (config_.builtin_local && (!conventional || !named)) co_return result<void>();
        auto made = file::make_directories(here);
        if (!made) co_return made.error();
        links_.push_back({folder, here});
        co_return result<void>();
    }

    task<result<bool>> fetch(std::string path, std::string to) {
        auto from = cluster::locate(config_, path, config_.root);
        if (!from) co_return from.error();
        if (!services_.data) {
            co_return error(kind::not_found, path + " is not on this machine",
                            "download it first: act d " + path);
        }
        // A folder that is data by convention alone is asked for without a word: mostly there is none.
        bool wordless = config_.builtin_local && path.find('/') == std::string::npos;
        if (services_.note && !wordless)
            services_.note(path + " is not on this machine: looking for it in the store");
        co_return co_await services_.data->fetch(*from, std::move(to), until_);
    }

    bool is_data_folder(const std::string& folder) const {
        auto all = cluster::data_folders(config_);
        return std::find(all.begin(), all.end(), folder) != all.end();
    }

    std::string mode_of(const std::string& folder) const {
        for (const auto& m : config_.mappings) {
            if (m.folder == folder) return m.mode;
        }
        return {};
    }

    /// One folder for each project, cluster and X, so that a later run finds what an earlier one fetched.
    result<std::string> cache_of(const std::string& folder) const {
        ACT_TRY(std::string base, runs::cache_folder(services_.environment));
        std::string key = config_.root + "\n" + config_.name;
        std::string hash = codec::hex(codec::as_bytes(codec::sha256_of(codec::as_bytes(key)))).substr(0, 16);
        return base + "/data/" + hash + "/" + folder;
    }

    const cluster::config& config_;
    services& services_;
    until until_;
    std::map<std::string, std::set<std::string>> named_;
    std::vector<agent::link> links_;
};

}  // namespace

task<result<std::vector<agent::link>>> place_data(const cluster::config& config, const std::vector<job>& jobs,
                                                  services& s, until u) {
    std::vector<std::string> words;
    for (const auto& j : jobs) words.insert(words.end(), j.command.begin(), j.command.end());
    placement p(config, s, u);
    auto links = co_await p.run(words);
    // What has gone since is told of by whoever opens it.
    for (const auto& j : jobs) (void)stage::mark_used(j.archive);
    co_return links;
}

}  // namespace act::backend
