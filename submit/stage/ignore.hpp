#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"

/// Patterns that leave things out. Private to this folder.
namespace act::stage {

/// The rules of gitignore(5) of one file: comments, `!`, anchors, trailing `/`; the last rule that matches
/// counts. What lies below a directory that is left out cannot be taken back in.
class ignore_rules {
public:
    ignore_rules() = default;
    explicit ignore_rules(std::string_view text);
    /// `name` is relative to the file's folder, without a trailing slash. The rule that leaves it out as it
    /// was written; empty where one takes it back in; nothing where none matches.
    std::optional<std::string_view> decision(std::string_view name, bool directory) const;

private:
    struct rule {
        std::string text, pattern;
        bool negated = false, directories_only = false, anchored = false;
    };
    std::vector<rule> rules_;
};

/// The .actignore of a tree's root and those of its folders, whose rules count before those of the folders
/// above. Thread-safe.
class ignore_files {
public:
    explicit ignore_files(std::string root) : root_(std::move(root)) {}

    /// Reads the file of a folder ("" or "a/b"), if it has one: before anything in it is asked about.
    result<void> enter(std::string_view folder);

    /// What leaves a name out.
    struct verdict {
        std::string file, rule;
    };
    std::optional<verdict> left_out(std::string_view name, bool directory) const;

private:
    const std::string root_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, ignore_rules, std::less<>> rules_;
    /// Most trees have a file at the root at most.
    std::atomic<bool> nested_{false};
};

/// The patterns of `-x PATTERN...` among zip's arguments; `rest` gets the arguments that mean something else.
std::vector<std::string> zip_excludes(const std::vector<std::string>& arguments,
                                      std::vector<std::string>& rest);

}  // namespace act::stage
