#include "submit/stage/ignore.hpp"

#include <algorithm>

#include "engine/core/glob.hpp"
#include "engine/file/file.hpp"

namespace act::stage {

ignore_rules::ignore_rules(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        std::size_t end = std::min(text.find('\n'), text.size());
        std::string line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.pop_back();
        // Spaces at the end do not count unless they are escaped.
        while (line.ends_with(' ') && !line.ends_with("\\ ")) line.pop_back();
        if (line.empty() || line.front() == '#') continue;
        rule r;
        r.text = line;
        if (line.front() == '!') {
            r.negated = true;
            line.erase(0, 1);
        }
        if (line.ends_with('/')) {
            r.directories_only = true;
            line.pop_back();
        }
        r.anchored = line.find('/') != std::string::npos;
        if (line.starts_with('/')) line.erase(0, 1);
        if (line.empty()) continue;
        r.pattern = std::move(line);
        rules_.push_back(std::move(r));
    }
}

std::optional<std::string_view> ignore_rules::decision(std::string_view name, bool directory) const {
    std::string_view last = name.substr(name.rfind('/') + 1);
    for (auto r = rules_.rbegin(); r != rules_.rend(); ++r) {
        if (r->directories_only && !directory) continue;
        // "a/**" is what lies below a, not a itself.
        if (!glob_matches(r->pattern, r->anchored ? name : last)) continue;
        return r->negated ? std::string_view() : std::string_view(r->text);
    }
    return std::nullopt;
}

result<void> ignore_files::enter(std::string_view folder) {
    constexpr std::size_t largest = 1 << 20;
    const std::string below = folder.empty() ? std::string() : std::string(folder) + '/';
    const auto text = file::read_all(root_ + '/' + below + ".actignore", largest);
    if (!text) {
        if (text.error().kind() == kind::not_found) return {};
        return text.error();
    }
    const std::lock_guard lock(mutex_);
    rules_.insert_or_assign(std::string(folder), ignore_rules(*text));
    if (!folder.empty()) nested_ = true;
    return {};
}

std::optional<ignore_files::verdict> ignore_files::left_out(std::string_view name, bool directory) const {
    const std::shared_lock lock(mutex_);
    std::string_view folder = nested_ ? name : std::string_view();
    do {
        const auto slash = folder.rfind('/');
        folder = slash == folder.npos ? std::string_view() : folder.substr(0, slash);
        const auto rules = rules_.find(folder);
        if (rules == rules_.end()) continue;
        const auto rule = rules->second.decision(name.substr(folder.empty() ? 0 : slash + 1), directory);
        if (!rule) continue;
        if (rule->empty()) return std::nullopt;
        return verdict{std::string(folder) + (folder.empty() ? "" : "/") + ".actignore", std::string(*rule)};
    } while (!folder.empty());
    return std::nullopt;
}

std::vector<std::string> zip_excludes(const std::vector<std::string>& arguments,
                                      std::vector<std::string>& rest) {
    std::vector<std::string> out;
    bool excluding = false;
    for (const auto& a : arguments) {
        if (a == "-x" || a == "--exclude") {
            excluding = true;
        } else if (a.size() > 2 && a.starts_with("-x") && a[2] != '-') {
            out.push_back(a.substr(2));
            excluding = true;
        } else if (a == "@" || (a.starts_with('-') && a.size() > 1)) {
            excluding = false;
            if (a != "@") rest.push_back(a);
        } else if (excluding) {
            // ACT put these through a shell, so stars were escaped from it.
            std::string pattern;
            for (std::size_t i = 0; i < a.size(); ++i) {
                if (a[i] == '\\' && i + 1 < a.size() && (a[i + 1] == '*' || a[i + 1] == '?')) continue;
                pattern += a[i];
            }
            out.push_back(std::move(pattern));
        } else {
            rest.push_back(a);
        }
    }
    return out;
}

}  // namespace act::stage
