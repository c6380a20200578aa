#include "submit/backend/data.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "engine/file/file.hpp"
#include "submit/backend/data_cache.hpp"
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

    task<result<placed_data>> run(const std::vector<std::string>& words) {
        for (const auto& f : cluster::data_folders(config_)) named_[f];
        for (const auto& argument : words) {
            for (const auto& text : candidates(argument)) note_path(text);
        }
        // All of them first: none is to go for the sake of another.
        for (const auto& [folder, paths] : named_) {
            if (is_cached(folder, paths)) held_[folder];
        }
        if (!held_.empty()) {
            auto begin = [this] { return begin_caching(); };
            ACT_CO_TRY_VOID(co_await with_cache(begin));
        }
        for (const auto& [folder, paths] : named_) {
            if (mode_of(folder) == "upload") continue;
            auto placed = co_await place(folder, paths);
            if (!placed) co_return placed.error();
        }
        if (!held_.empty()) {
            auto end = [this] { return end_caching(); };
            ACT_CO_TRY_VOID(co_await with_cache(end));
        }
        for (auto& [folder, held] : held_) out_.held.push_back(std::move(held.lock));
        co_return std::move(out_);
    }

private:
    using lines = std::vector<std::string>;

    /// Does something with the cache that blocks, and tells what came of it.
    task<result<void>> with_cache(std::function<result<lines>()> call) {
        result<lines> said = co_await services_.runtime.blocking(std::move(call));
        if (!said) co_return said.error();
        for (const auto& line : *said) {
            if (services_.note) services_.note(line);
        }
        co_return result<void>();
    }

    /// What is needed of the cache stays from here on; what nobody needs makes room.
    result<lines> begin_caching() {
        ACT_TRY(data_cache cache, data_cache::open(config_, services_.environment));
        for (auto& [folder, held] : held_) {
            ACT_TRY(held, cache.hold(folder));
        }
        cache_ = std::move(cache);
        return cache_->keep_within_bound([this] { return in_use(); });
    }

    result<lines> end_caching() {
        for (const auto& [folder, held] : held_) cache_->fetched(held, changed_.count(folder) != 0);
        return cache_->keep_within_bound([this] { return in_use(); });
    }

    /// What of the cache runs need that have not ended.
    result<data_cache::names> in_use() const {
        ACT_TRY(const auto all, services_.journal.list());
        data_cache::names out;
        for (const auto& r : all) {
            auto data = r.details.find(detail::data);
            if (runs::is_final(r.state) || data == r.details.end()) continue;
            std::istringstream names(data->second);
            for (std::string name; std::getline(names, name);) out.insert(name);
        }
        return out;
    }

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
        if (exists(here)) {
            for (const auto& path : paths) {
                if (exists(config_.root + "/" + path) || !services_.data) continue;
                auto fetched = co_await fetch(path, config_.root + "/" + path);
                if (!fetched) co_return fetched.error();
            }
            out_.links.push_back({folder, here});
            co_return result<void>();
        }
        if (is_passed_over(folder, paths)) co_return result<void>();
        // Or it was here a moment ago.
        const auto held = held_.find(folder);
        if (must_be_here(folder) || held == held_.end()) {
            co_return error(kind::not_found,
                            "the folder " + here + ", which " + folder + "_folder links to, does not exist",
                            "make it, or download it first: act d " + folder);
        }
        bool named = !paths.empty();
        if (!named) paths.insert(folder);
        const held_data& cached = held->second;
        bool any = false;
        for (const auto& path : paths) {
            auto fetched = co_await fetch(path, cached.path + path.substr(folder.size()));
            if (!fetched) co_return fetched.error();
            any = any || *fetched != data_source::fetched::nothing;
            if (*fetched == data_source::fetched::changed) changed_.insert(folder);
        }
        if (any) {
            out_.links.push_back({folder, cached.path});
            out_.names += (out_.names.empty() ? "" : "\n") + cached.name;
            co_return result<void>();
        }
        if (config_.builtin_local && (!is_conventional(folder) || !named)) co_return result<void>();
        auto made = file::make_directories(here);
        if (!made) co_return made.error();
        out_.links.push_back({folder, here});
        co_return result<void>();
    }

    task<result<data_source::fetched>> fetch(std::string path, std::string to) {
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

    bool is_conventional(const std::string& folder) const {
        auto all = cluster::data_folders(config_);
        return config_.builtin_local && std::find(all.begin(), all.end(), folder) != all.end();
    }

    /// Nothing says that there is any such data, and it is not to be looked for.
    bool is_passed_over(const std::string& folder, const std::set<std::string>& paths) const {
        return is_conventional(folder) && paths.empty() && (folder == "output" || !services_.data);
    }

    bool must_be_here(const std::string& folder) const {
        const std::string mode = mode_of(folder);
        return mode == "link" || mode == "mount";
    }

    bool is_cached(const std::string& folder, const std::set<std::string>& paths) const {
        return mode_of(folder) != "upload" && !must_be_here(folder) && !is_passed_over(folder, paths) &&
               !exists(config_.root + "/" + folder);
    }

    std::string mode_of(const std::string& folder) const {
        for (const auto& m : config_.mappings) {
            if (m.folder == folder) return m.mode;
        }
        return {};
    }

    const cluster::config& config_;
    services& services_;
    until until_;
    std::map<std::string, std::set<std::string>> named_;
    std::optional<data_cache> cache_;
    std::map<std::string, held_data> held_;  ///< by folder, those that are not in the project
    std::set<std::string> changed_;          ///< of these
    placed_data out_;
};

}  // namespace

task<result<placed_data>> place_data(const cluster::config& config, std::vector<job>& jobs, services& s,
                                     until u) {
    std::vector<std::string> words;
    for (const auto& j : jobs) words.insert(words.end(), j.command.begin(), j.command.end());
    placement p(config, s, u);
    auto placed = co_await p.run(words);
    for (auto& j : jobs) {
        // What has gone since is told of by whoever opens it.
        (void)stage::mark_used(j.archive);
        if (placed && !placed->names.empty()) j.details[detail::data] = placed->names;
    }
    co_return placed;
}

}  // namespace act::backend
