#include "submit/stage/tree.hpp"

#include <algorithm>
#include <filesystem>

#include "engine/core/glob.hpp"
#include "submit/stage/secrets.hpp"

namespace act::stage {
namespace {

/// Decides about one name; asked from the walk's threads.
class selection {
public:
    selection(const pack_options& o, std::vector<std::string>& unknown_options)
        : options_(o),
          rules_(o.root),
          excludes_(zip_excludes(o.zip_options, unknown_options)),
          archives_(std::filesystem::path(o.folder).lexically_relative(o.root).string()) {}

    /// Fails when a folder's rules cannot be read: what they leave out must not be packed for that.
    result<bool> wanted(std::string_view walked, bool directory, omissions& out) {
        if (!takes(walked, directory, out)) return false;
        if (directory && !options_.all) ACT_TRY_VOID(rules_.enter(walked.substr(0, walked.size() - 1)));
        return true;
    }
    result<void> begin() { return options_.all ? result<void>() : rules_.enter(""); }

private:
    bool takes(std::string_view walked, bool directory, omissions& out) const {
        std::string_view name = walked;
        if (name.ends_with('/')) name.remove_suffix(1);
        std::string shown(name);
        if (directory) shown += '/';
        for (const auto& folder : options_.data_folders) {
            if (name == folder) return refuse(out, shown, "data, not code: it is linked on the node");
        }
        std::string_view last = name.substr(name.rfind('/') + 1);
        if (last == ".git") return refuse(out, shown, "history");
        if (directory && last == "__pycache__") return refuse(out, shown, "made by Python");
        if (name == archives_) return refuse(out, shown, "archives of code");
        for (const auto& never : options_.never) {
            if (name == never.name) return refuse(out, shown, never.reason, never.secret);
        }
        // Below aux_data/configs each file is refused by itself, so that the report names it.
        if (!directory) {
            if (auto why = secret_name(name); !why.empty()) return refuse(out, shown, std::string(why), true);
        }
        if (options_.all) return true;
        for (const auto& pattern : excludes_) {
            if (wildcard_matches(pattern, directory ? shown : std::string(name))) {
                return refuse(out, shown, "zip_options: -x " + pattern);
            }
        }
        if (auto why = rules_.left_out(name, directory)) {
            return refuse(out, shown, why->file + ": " + why->rule);
        }
        return true;
    }

    static bool refuse(omissions& out, std::string name, std::string reason, bool secret = false) {
        out.add(std::move(name), std::move(reason), secret);
        return false;
    }

    const pack_options& options_;
    ignore_files rules_;
    std::vector<std::string> excludes_;
    std::string archives_;  ///< their folder, should it lie in the tree
};

/// A link to be followed on another machine must stay within the tree.
bool leads_out(const std::string& name, const std::string& target) {
    if (target.empty() || target.front() == '/') return true;
    std::filesystem::path end = (std::filesystem::path(name).parent_path() / target).lexically_normal();
    return !end.empty() && *end.begin() == "..";
}

}  // namespace

void omissions::add(std::string name, std::string reason, bool secret) {
    std::lock_guard held(mutex_);
    // The tree may be walked more than once.
    if (!seen_.insert(name).second) return;
    (secret ? secrets_ : others_).push_back({std::move(name), std::move(reason), secret});
}

void omissions::report_to(report& r) const {
    std::lock_guard held(mutex_);
    auto by_name = [](const omission& a, const omission& b) { return a.name < b.name; };
    r.left_out = secrets_;
    std::sort(r.left_out.begin(), r.left_out.end(), by_name);
    std::vector<omission> rest = others_;
    std::sort(rest.begin(), rest.end(), by_name);
    if (rest.size() > shown) rest.resize(shown);
    r.left_out.insert(r.left_out.end(), rest.begin(), rest.end());
    r.left_out_total = secrets_.size() + others_.size();
}

result<tree> scan_tree(const pack_options& options, omissions& left_out, stop_token stop) {
    tree out;
    std::vector<std::string> unknown_options;
    selection select(options, unknown_options);
    ACT_TRY_VOID(select.begin());
    if (!unknown_options.empty()) {
        std::string list;
        for (const auto& w : unknown_options) list += " " + w;
        out.warnings.push_back("zip_options: only -x PATTERN... has a meaning here; not used:" + list);
    }

    std::mutex mutex;
    std::optional<error> failed;
    file::walk_options walking;
    walking.links = file::links::report;
    walking.want = [&](std::string_view name, bool directory) {
        auto wanted = select.wanted(name, directory, left_out);
        if (wanted) return *wanted;
        std::lock_guard held(mutex);
        if (!failed) failed = wanted.error();
        return false;
    };
    walking.problem = [&](const std::string& path, const error& e) {
        // What cannot be read is code that would be missing; sockets and the like are no code.
        if (e.kind() == kind::permission || e.kind() == kind::io) {
            std::lock_guard held(mutex);
            if (!failed) failed = e;
        } else {
            left_out.add(path, e.message());
        }
    };
    file::walker walk(options.root, walking, stop);
    for (;;) {
        ACT_TRY(auto batch, walk.next());
        if (batch.empty()) break;
        for (auto& e : batch) {
            tree_entry t{std::move(e.name), kind_of(e.info.mode & 07777), e.info.size, {}};
            if (e.info.type == file::type::symlink) {
                t.kind = entry_kind::link;
                t.link_target = std::move(e.link_target);
                if (leads_out(t.name, t.link_target)) {
                    left_out.add(t.name, "a link that leads out of the project, to " + t.link_target);
                    continue;
                }
            } else if (e.empty_directory || e.info.type == file::type::directory) {
                if (!e.empty_directory) continue;
                t.kind = entry_kind::directory;
                t.size = 0;
                if (!t.name.ends_with('/')) t.name += '/';
            }
            out.entries.push_back(std::move(t));
        }
    }
    if (failed) return std::move(*failed).with_advice("make it readable, or leave it out in .actignore");
    // The walk's own order is the same but for the slash that empty directories got.
    const auto by_name = [](const tree_entry& a, const tree_entry& b) { return a.name < b.name; };
    if (!std::is_sorted(out.entries.begin(), out.entries.end(), by_name))
        std::sort(out.entries.begin(), out.entries.end(), by_name);
    return out;
}

}  // namespace act::stage
