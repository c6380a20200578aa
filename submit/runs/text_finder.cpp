#include "submit/runs/text_finder.hpp"

#include <algorithm>
#include <deque>
#include <numeric>

namespace act::runs {
namespace {

constexpr std::size_t shortest = 3;

/// The end of the group or bracket expression that begins at `at`; the last character where it is not closed.
std::size_t skip(std::string_view p, std::size_t at) {
    if (p[at] == '[') {
        std::size_t i = at + 1;
        if (i < p.size() && p[i] == '^') ++i;
        if (i < p.size() && p[i] == ']') ++i;
        while (i < p.size() && p[i] != ']') {
            // "[:digit:]", "[.hyphen.]", "[=a=]": their bracket ends nothing.
            const char what = i + 1 < p.size() && p[i] == '[' ? p[i + 1] : '\0';
            const bool named = what == ':' || what == '.' || what == '=';
            const std::size_t end = named ? p.find(std::string{what, ']'}, i + 2) : std::string_view::npos;
            i = end == std::string_view::npos ? i + 1 : end + 2;
        }
        return std::min(i, p.size() - 1);
    }
    int depth = 0;
    for (std::size_t i = at; i < p.size(); ++i) {
        if (p[i] == '\\') {
            ++i;
        } else if (p[i] == '[') {
            i = skip(p, i);
        } else if (p[i] == '(') {
            ++depth;
        } else if (p[i] == ')' && --depth == 0) {
            return i;
        }
    }
    return p.size() - 1;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The longest run of plain characters of one alternative.
std::string longest_text(std::string_view p) {
    std::string best, run;
    auto end_run = [&] {
        if (run.size() > best.size()) best = run;
        run.clear();
    };
    for (std::size_t i = 0; i < p.size(); ++i) {
        char c = p[i];
        bool plain = true;
        if (c == '(' || c == '[') {
            i = skip(p, i);
            plain = false;
        } else if (c == '\\') {
            // A letter or digit behind it means something else: \w, \1.
            plain = i + 1 < p.size() && !is_letter(p[i + 1]) && !(p[i + 1] >= '0' && p[i + 1] <= '9') &&
                    p[i + 1] != '<' && p[i + 1] != '>' && p[i + 1] != '`' && p[i + 1] != '\'';
            if (++i < p.size()) c = p[i];
        } else if (std::string_view(".^$*+?{})").find(c) != std::string_view::npos) {
            plain = false;
        }
        char then = i + 1 < p.size() ? p[i + 1] : '\0';
        bool optional = then == '*' || then == '?' || then == '{';
        if (plain && !optional) run += c;
        if (!plain || optional || then == '+') end_run();
        if (optional || then == '+') {
            ++i;
            if (p[i] == '{') i = std::min(p.find('}', i), p.size() - 1);
        }
    }
    end_run();
    return best;
}

}  // namespace

std::vector<std::string> plain_texts(std::string_view pattern) {
    std::vector<std::string> out;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= pattern.size(); ++i) {
        if (i < pattern.size() && pattern[i] == '\\') {
            ++i;
        } else if (i < pattern.size() && (pattern[i] == '(' || pattern[i] == '[')) {
            i = skip(pattern, i);
        } else if (i == pattern.size() || pattern[i] == '|') {
            std::string text = longest_text(pattern.substr(begin, i - begin));
            if (text.size() < shortest) return {};
            out.push_back(std::move(text));
            begin = i + 1;
        }
    }
    // A backslash at the very end hides the end of the pattern.
    if (begin <= pattern.size() && pattern.ends_with('\\')) return {};
    return out;
}

void text_finder::add(const std::string& text, std::size_t id) { entries_.push_back({text, id}); }

void text_finder::prepare() {
    symbols_ = 1;
    for (const auto& e : entries_) {
        for (unsigned char c : e.text) {
            if (symbol_[c] == 0) symbol_[c] = static_cast<std::uint8_t>(symbols_++);
        }
    }
    // A tree of the texts, 0 meaning "no child"; then its missing edges go where the longest ending of what
    // was read goes.
    std::vector<std::vector<std::uint32_t>> edges(1, std::vector<std::uint32_t>(symbols_, 0));
    std::vector<std::vector<std::size_t>> ends(1);
    for (const auto& e : entries_) {
        std::uint32_t at = 0;
        for (unsigned char c : e.text) {
            std::uint32_t child = edges[at][symbol_[c]];
            if (child == 0) {
                child = static_cast<std::uint32_t>(edges.size());
                edges[at][symbol_[c]] = child;
                edges.emplace_back(symbols_, 0);
                ends.emplace_back();
            }
            at = child;
        }
        ends[at].push_back(e.id);
    }
    std::vector<std::uint32_t> fallback(edges.size(), 0);
    std::deque<std::uint32_t> open;
    for (std::uint32_t child : edges[0]) {
        if (child != 0) open.push_back(child);
    }
    for (; !open.empty(); open.pop_front()) {
        std::uint32_t at = open.front(), back = fallback[at];
        ends[at].insert(ends[at].end(), ends[back].begin(), ends[back].end());
        for (std::uint32_t s = 0; s < symbols_; ++s) {
            std::uint32_t& child = edges[at][s];
            if (child != 0) {
                fallback[child] = edges[back][s];
                open.push_back(child);
            } else {
                child = edges[back][s];
            }
        }
    }
    // Those that end a text come last, so that one comparison tells them.
    std::vector<std::uint32_t> order(edges.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_partition(order.begin(), order.end(), [&](std::uint32_t s) { return ends[s].empty(); });
    std::vector<std::uint32_t> row(edges.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) row[order[i]] = i * symbols_;
    next_.assign(edges.size() * symbols_, 0);
    ids_.clear();
    first_final_ = static_cast<std::uint32_t>(edges.size()) * symbols_;
    for (std::uint32_t s : order) {
        if (!ends[s].empty()) {
            first_final_ = std::min(first_final_, row[s]);
            ids_.push_back(ends[s]);
        }
        for (std::uint32_t i = 0; i < symbols_; ++i) next_[row[s] + i] = row[edges[s][i]];
    }
}

}  // namespace act::runs
