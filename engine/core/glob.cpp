#include "engine/core/glob.hpp"

#include <algorithm>
#include <optional>

namespace act {
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
bool wildcard_matches(std::string_view pattern, std::string_view name) {
    return matcher(pattern, name, true).run();
}

}  // namespace act
