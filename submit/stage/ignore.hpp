#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Patterns that leave things out. Private to this folder.
namespace act::stage {

/// The rules of gitignore(5), from the .actignore at the root: comments, `!`, anchors, trailing `/`; the last
/// rule that matches counts. What lies below a directory that is left out cannot be taken back in.
class ignore_rules {
public:
    ignore_rules() = default;
    explicit ignore_rules(std::string_view text);
    /// `name` is relative, without a trailing slash. The deciding rule as it was written, or empty.
    std::string_view decision(std::string_view name, bool directory) const;

private:
    struct rule {
        std::string text, pattern;
        bool negated = false, directories_only = false, anchored = false;
    };
    std::vector<rule> rules_;
};

/// The patterns of `-x PATTERN...` among zip's arguments; `rest` gets the arguments that mean something else.
std::vector<std::string> zip_excludes(const std::vector<std::string>& arguments,
                                      std::vector<std::string>& rest);

}  // namespace act::stage
