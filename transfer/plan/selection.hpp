#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"

namespace act::plan {

/// One rule of a selection, in the order it was given.
struct selection_rule {
    enum class form {
        glob,   ///< a pattern of gitignore(5)
        regex,  ///< a POSIX extended regular expression, looked for anywhere in the name
    };
    bool include = false;
    form kind = form::glob;
    std::string text;
};

/// What takes part in an operation on a tree, and what is as if it were not there.
///
/// Names are relative to the tree, with '/' between components. The last rule that matches decides; where
/// none does, an item takes part unless the first rule is an include. A glob without a slash (but for one at
/// its end) is held against every component, another against the whole name from the top; one that matches a
/// folder matches all below it; a slash at its end makes it match folders only. Sizes and times are asked of
/// files alone, on top of the rules.
struct selection_rules {
    std::vector<selection_rule> rules;
    std::uint64_t least_size = 0;
    std::uint64_t most_size = std::numeric_limits<std::uint64_t>::max();
    std::optional<wall_time> after, before;  ///< last change: not before `after`, before `before`

    bool empty() const;
};

/// The rules of a file: a pattern a line, `#` comments and blank lines left out; `!` turns the meaning
/// around.
std::vector<selection_rule> rules_of_text(std::string_view text, bool include);

/// The rules, compiled. Cheap to copy, usable from every thread.
class selection {
public:
    /// Selects everything.
    selection() = default;
    /// kind::usage for an expression that does not compile, naming it.
    static result<selection> make(selection_rules);

    bool selects_all() const { return !compiled_; }
    /// By name alone. `folder`: an empty one, which travels as an item.
    bool name(std::string_view name, bool folder) const;
    bool file(std::string_view name, std::uint64_t size, wall_time modified) const;
    /// False when nothing below the folder (relative name, no trailing slash) can take part.
    bool enters(std::string_view folder) const;

private:
    struct compiled;
    std::shared_ptr<const compiled> compiled_;
};

}  // namespace act::plan
