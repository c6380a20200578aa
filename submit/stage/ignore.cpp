#include "submit/stage/ignore.hpp"

#include <algorithm>
#include <optional>

namespace act::stage {
namespace {

/// Matches one "[...]" at the front of `p` against `c`; nothing when it is not a class at all. Moves `p`
/// behind it.
std::optional<bool> match_class(std::string_view& p, char c) {
    std::size_t i = 1;
    bool negated = i < p.size() && (p[i] == '!' || p[i] == '^');
    if (negated) ++i;
    bool hit = false;
    auto u = [](char x) { return static_cast<unsigned char>(x); };
    for (bool first = true; i < p.size() && (first || p[i] != ']'); first = false) {
        if (p[i] == '\\' && i + 1 < p.size()) ++i;
        char low = p[i++], high = low;
        if (i + 1 < p.size() && p[i] == '-' && p[i + 1] != ']') {
            high = p[i + 1];
            i += 2;
        }
        if (u(low) <= u(c) && u(c) <= u(high)) hit = true;
    }
    if (i >= p.size()) return std::nullopt;  // no closing bracket: '[' stands for itself
    p.remove_prefix(i + 1);
    return hit != negated;
}

/// One walk with a single point to come back to for each kind of star: a later star makes an earlier one of
/// the same reach needless, so it takes no exponential time. `slashes`: a plain star crosses them.
class matcher {
public:
    matcher(std::string_view pattern, std::string_view name, bool slashes)
        : begin_(pattern.data()), p_(pattern), s_(name), slashes_(slashes) {}

    bool run() {
        for (;;) {
            if (p_.empty() && s_.empty()) return true;
            if (!p_.empty() && p_.front() == '*') {
                if (take_star()) return true;
            } else if (p_.empty() || s_.empty() || !take_one()) {
                if (!go_back()) return false;
            }
        }
    }

private:
    struct point {
        std::string_view pattern, rest;
        bool set = false;
    };

    /// True when nothing more needs to be looked at.
    bool take_star() {
        bool at_start = p_.data() == begin_ || p_.data()[-1] == '/';
        std::size_t stars = std::min(p_.find_first_not_of('*'), p_.size());
        bool deep = !slashes_ && stars == 2 && at_start;
        if (deep && p_.size() == 2) return !s_.empty();
        if (deep && p_[2] == '/') {
            p_.remove_prefix(3);
            folders_ = {p_, s_, true};
            star_.set = false;
            return false;
        }
        p_.remove_prefix(stars);
        star_ = {p_, s_, true};
        return false;
    }

    bool take_one() {
        char c = s_.front();
        bool crosses = slashes_ || c != '/';
        std::string_view after = p_;
        if (p_.front() == '?') {
            if (!crosses) return false;
            after.remove_prefix(1);
        } else if (auto hit = p_.front() == '[' ? match_class(after, c) : std::nullopt) {
            if (!*hit || !crosses) return false;
        } else {
            if (p_.front() == '\\' && p_.size() > 1) after.remove_prefix(1);
            if (after.front() != c) return false;
            after.remove_prefix(1);
        }
        p_ = after;
        s_.remove_prefix(1);
        return true;
    }

    bool go_back() {
        if (star_.set && !star_.rest.empty() && (slashes_ || star_.rest.front() != '/')) {
            star_.rest.remove_prefix(1);
            p_ = star_.pattern, s_ = star_.rest;
            return true;
        }
        std::size_t slash = folders_.set ? folders_.rest.find('/') : std::string_view::npos;
        if (slash == std::string_view::npos) return false;
        folders_.rest.remove_prefix(slash + 1);
        p_ = folders_.pattern, s_ = folders_.rest;
        star_.set = false;
        return true;
    }

    const char* begin_;
    std::string_view p_, s_;
    bool slashes_;
    point star_, folders_;
};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view name) {
    return matcher(pattern, name, false).run();
}
bool zip_pattern_matches(std::string_view pattern, std::string_view name) {
    return matcher(pattern, name, true).run();
}

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

std::string_view ignore_rules::decision(std::string_view name, bool directory) const {
    std::string_view last = name.substr(name.rfind('/') + 1);
    for (auto r = rules_.rbegin(); r != rules_.rend(); ++r) {
        if (r->directories_only && !directory) continue;
        // "a/**" is what lies below a, not a itself.
        if (!glob_matches(r->pattern, r->anchored ? name : last)) continue;
        return r->negated ? std::string_view() : std::string_view(r->text);
    }
    return {};
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
