#include "transfer/plan/name_shape.hpp"

#include <algorithm>
#include <array>

namespace act::plan {

namespace {

constexpr std::size_t names_sampled = 512;
/// So many characters should make up a page's worth of names, or ranges come out uneven.
constexpr double fewest_steps = 8;
constexpr std::size_t levels_below = 2;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool counts(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

std::size_t common_prefix(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// How many of `alphabet` are not above c.
std::size_t rank(std::string_view alphabet, char c) {
    auto above = [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); };
    return static_cast<std::size_t>(std::upper_bound(alphabet.begin(), alphabet.end(), c, above) -
                                    alphabet.begin());
}

/// The characters of the kind of `c`, for levels that a page tells nothing of.
std::string_view kindred(char c) {
    if (is_digit(c)) return "0123456789";
    if (is_lower(c)) return "abcdefghijklmnopqrstuvwxyz";
    if (is_upper(c)) return "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return {};
}

bool in_bounds(const std::string& guess, std::string_view before) {
    return before.empty() || (guess < before && !before.starts_with(guess));
}

/// `at` counted up by `by` (at least 1) at its last byte, with carry; false when it cannot be.
bool count_up(std::string& at, std::string_view alphabet, std::size_t prefix_size, std::size_t by) {
    for (std::size_t i = at.size(); i-- > prefix_size;) {
        const std::size_t place = rank(alphabet, at[i]);
        // A carry goes only into what is itself counted; at the last place anything may stand.
        if (i + 1 < at.size() && (place == 0 || alphabet[place - 1] != at[i])) return false;
        const std::size_t next = place + by - 1;
        at[i] = alphabet[next % alphabet.size()];
        by = next / alphabet.size();
        if (by == 0) return true;
    }
    return false;
}

/// Neighbours in a page that agree up to and with one level.
struct runs_of_names {
    runs_of_names(const blob::list_page& page, std::size_t from, std::size_t level) {
        std::string_view last;
        for (std::size_t i = 0; i < page.size(); ++i) {
            const std::string_view own = page.name(i).substr(from).substr(0, level - from + 1);
            if (count == 0 || own != last) {
                if (count > 1) {
                    longest_inside = std::max(longest_inside, run);
                    inside += run;
                }
                ++count, run = 0;
            }
            last = own;
            longest = std::max(longest, ++run);
        }
        total = page.size();
    }
    /// The first and the last are rarely there with all their names.
    double per_character() const {
        if (count > 2) return static_cast<double>(inside) / static_cast<double>(count - 2);
        return std::max(static_cast<double>(longest),
                        static_cast<double>(total) / (static_cast<double>(count) - 0.5));
    }
    bool even() const { return count <= 2 || longest_inside * (count - 2) == inside; }
    std::size_t count = 0, run = 0, longest = 0, longest_inside = 0, inside = 0, total = 0;
};

}  // namespace

std::optional<name_shape> shape_of(const blob::list_page& page, std::size_t prefix_size) {
    if (page.size() < 2) return std::nullopt;
    name_shape shape;
    const std::string_view last = page.name(page.size() - 1);
    shape.level = common_prefix(page.name(0), last);
    if (shape.level < prefix_size || shape.level >= last.size()) return std::nullopt;

    // Where one character stands for many names, a level below lets ranges be measured out more evenly.
    runs_of_names runs(page, shape.level, shape.level);
    std::size_t level = shape.level;
    const auto coarse = [&] {
        return runs.per_character() * fewest_steps > static_cast<double>(page.size());
    };
    while (coarse() && level < shape.level + levels_below && last.size() > level + 1) {
        const runs_of_names below(page, shape.level, level + 1);
        if (below.count <= 2) break;
        runs = below;
        ++level;
    }
    shape.per_step = runs.per_character();
    shape.even = runs.even();

    std::array<bool, 256> used{};
    const std::size_t stride = page.size() / names_sampled + 1;
    for (std::size_t i = 0; i < page.size(); i += stride) {
        const std::string_view name = page.name(i);
        for (std::size_t at = shape.level; at < std::min(shape.level + levels_below + 1, name.size()); ++at) {
            if (counts(name[at])) used[static_cast<unsigned char>(name[at])] = true;
        }
    }
    shape.level = level;
    for (std::size_t c = 0; c < used.size(); ++c) {
        if (used[c]) shape.alphabet += static_cast<char>(c);
    }
    if (shape.alphabet.empty()) return std::nullopt;
    return shape;
}

std::vector<std::string> guesses(const name_shape& shape, std::string_view from, std::string_view before,
                                 std::size_t prefix_size, unsigned step, std::size_t coarse,
                                 std::size_t most) {
    std::vector<std::string> out;
    if (coarse > shape.level || shape.level - coarse < prefix_size) return out;
    const std::size_t level = shape.level - coarse;
    if (coarse == 0) {
        if (from.size() < level) return out;
        std::string at(from.substr(0, level + 1));
        // A name that ends here comes before all that go on.
        if (at.size() == level) at += '\0';
        while (out.size() < most && count_up(at, shape.alphabet, prefix_size, std::max(1u, step)) &&
               in_bounds(at, before)) {
            out.push_back(at);
        }
        return out;
    }
    if (from.size() <= level) return out;
    const std::string_view characters = kindred(from[level]);
    for (char c : characters.substr(std::min(characters.size(), rank(characters, from[level])))) {
        std::string at(from.substr(0, level));
        at += c;
        if (out.size() == most || !in_bounds(at, before)) break;
        out.push_back(std::move(at));
    }
    return out;
}

}  // namespace act::plan
