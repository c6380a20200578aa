#include "transfer/plan/selection.hpp"

#include <regex.h>

#include "engine/core/glob.hpp"

namespace act::plan {

namespace {

/// glibc's own: no new dependency, and unlike std::regex not recursive over the name.
class expression {
public:
    static result<std::unique_ptr<expression>> make(const std::string& text) {
        auto made = std::make_unique<expression>();
        const int number = ::regcomp(&made->regex_, text.c_str(), REG_EXTENDED | REG_NOSUB);
        if (number != 0) {
            char why[200];
            ::regerror(number, &made->regex_, why, sizeof why);
            return error(kind::usage, "'" + text + "' is not a regular expression: " + why,
                         "correct it; the form is POSIX extended, as of grep -E");
        }
        made->compiled_ = true;
        return made;
    }
    expression() = default;
    expression(const expression&) = delete;
    expression& operator=(const expression&) = delete;
    ~expression() {
        if (compiled_) ::regfree(&regex_);
    }
    bool found_in(std::string_view name) const {
        return ::regexec(&regex_, std::string(name).c_str(), 0, nullptr, 0) == 0;
    }

private:
    regex_t regex_{};
    bool compiled_ = false;
};

struct matcher {
    bool include = false;
    std::string glob;
    bool anchored = false, folders_only = false;
    std::unique_ptr<expression> regex;

    bool matches(std::string_view name, bool folder) const {
        if (regex) return regex->found_in(name);
        // The folders above first: what matches one of them matches all below.
        for (std::size_t slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
            if (matches_one(name.substr(0, slash))) return true;
        }
        return (folder || !folders_only) && matches_one(name);
    }

private:
    bool matches_one(std::string_view path) const {
        return glob_matches(glob, anchored ? path : path.substr(path.rfind('/') + 1));
    }
};

}  // namespace

struct selection::compiled {
    std::vector<matcher> rules;
    bool otherwise = true;
    bool any_include = false;
    selection_rules limits;
};

bool selection_rules::empty() const {
    return rules.empty() && least_size == 0 && most_size == std::numeric_limits<std::uint64_t>::max() &&
           !after && !before;
}

std::vector<selection_rule> rules_of_text(std::string_view text, bool include) {
    std::vector<selection_rule> out;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        while (line.ends_with(' ') && !line.ends_with("\\ ")) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const bool turned = line.front() == '!';
        if (turned) line.remove_prefix(1);
        if (!line.empty()) out.push_back({include != turned, selection_rule::form::glob, std::string(line)});
    }
    return out;
}

result<selection> selection::make(selection_rules given) {
    selection out;
    if (given.empty()) return out;
    auto made = std::make_shared<compiled>();
    for (const auto& rule : given.rules) {
        matcher m;
        m.include = rule.include;
        made->any_include |= rule.include;
        if (rule.kind == selection_rule::form::regex) {
            ACT_TRY(m.regex, expression::make(rule.text));
        } else {
            std::string_view glob = rule.text;
            while (glob.ends_with('/')) {
                glob.remove_suffix(1);
                m.folders_only = true;
            }
            m.anchored = glob.find('/') != glob.npos;
            if (glob.starts_with('/')) glob.remove_prefix(1);
            if (glob.empty())
                return error(kind::usage, "'" + rule.text + "' matches nothing", "give a pattern, as *.jpg");
            m.glob = glob;
        }
        made->rules.push_back(std::move(m));
    }
    if (!given.rules.empty()) made->otherwise = !given.rules.front().include;
    given.rules.clear();
    made->limits = std::move(given);
    out.compiled_ = std::move(made);
    return out;
}

bool selection::name(std::string_view name, bool folder) const {
    if (!compiled_) return true;
    const auto& rules = compiled_->rules;
    for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
        if (rule->matches(name, folder)) return rule->include;
    }
    return compiled_->otherwise;
}

bool selection::file(std::string_view name, std::uint64_t size, wall_time modified) const {
    if (!compiled_) return true;
    const auto& limits = compiled_->limits;
    if (size < limits.least_size || size > limits.most_size) return false;
    if (limits.after && modified < *limits.after) return false;
    if (limits.before && modified >= *limits.before) return false;
    return selection::name(name, false);
}

bool selection::enters(std::string_view folder) const {
    if (!compiled_ || compiled_->any_include) return true;
    for (const auto& rule : compiled_->rules) {
        // A regular expression may match the folder's name and nothing below.
        if (!rule.regex && rule.matches(folder, true)) return false;
    }
    return true;
}

}  // namespace act::plan
