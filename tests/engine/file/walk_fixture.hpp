#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/file/walk.hpp"
#include "temporary_folder.hpp"

namespace act::file {

/// What a whole walk gave.
struct walked {
    std::vector<entry> entries;
    std::map<std::string, error> problems;  ///< by path below the root

    /// Names; empty directories end with '/', links with '@'.
    std::vector<std::string> names() const {
        std::vector<std::string> out;
        for (const entry& e : entries) {
            out.push_back(e.name + (e.empty_directory ? "/" : e.info.type == type::symlink ? "@" : ""));
        }
        return out;
    }
};

inline walked walk_all(const std::string& root, walk_options options = {}) {
    walked out;
    std::mutex mutex;
    options.problem = [&](const std::string& path, const error& e) {
        const std::lock_guard lock(mutex);
        out.problems.emplace(path.size() > root.size() ? path.substr(root.size() + 1) : "", e);
    };
    walker w(root, std::move(options), {});
    for (;;) {
        auto batch = w.next().value();
        if (batch.empty()) return out;
        std::ranges::move(batch, std::back_inserter(out.entries));
    }
}

}  // namespace act::file
