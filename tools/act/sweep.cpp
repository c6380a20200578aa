#include "tools/act/sweep.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "engine/file/file.hpp"
#include "submit/cluster/points.hpp"
#include "tools/act/csv.hpp"
#include "tools/act/text.hpp"

namespace act::cli {

namespace {

// More than anybody waits for; a range may name far more by a slip.
constexpr std::size_t most_points = 100'000;

bool is_numeric(std::string_view text) {
    return !text.empty() && text.find_first_of("0123456789") != std::string_view::npos &&
           text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
}

bool read_integer(std::string_view text, std::int64_t& into) {
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
    return problem == std::errc() && end == text.data() + text.size();
}

error too_many(const std::string& what) {
    return error(kind::usage, fmt::format("{} makes more than {} runs", what, most_points),
                 "sweep over fewer values");
}

// "1..5" or "0..100..25"; of anything else (a path with "..", say) the text itself.
result<void> add_values(const std::string& option, std::string_view text, std::vector<std::string>& out) {
    const std::size_t dots = text.find("..");
    std::string_view from = text.substr(0, dots), to, by = "1";
    if (dots != std::string_view::npos) {
        to = text.substr(dots + 2);
        if (const std::size_t more = to.find(".."); more != std::string_view::npos) {
            by = to.substr(more + 2);
            to = to.substr(0, more);
        }
    }
    if (!is_numeric(from) || !is_numeric(to) || !is_numeric(by)) {
        out.emplace_back(text);
        return {};
    }
    std::int64_t first = 0, last = 0, step = 0;
    constexpr std::int64_t bound = std::int64_t(1) << 61;
    const bool whole = read_integer(from, first) && read_integer(to, last) && read_integer(by, step);
    if (!whole || step == 0 || std::max({first, last, step}) > bound ||
        std::min({first, last, step}) < -bound) {
        return error(kind::usage, fmt::format("--sweep {}: `{}` is no range of whole numbers", option, text),
                     "FIRST..LAST or FIRST..LAST..STEP; list other values: lr=0.1,0.2");
    }
    if (last < first && dots != std::string_view::npos && by == "1") step = -1;
    for (std::int64_t value = first; step > 0 ? value <= last : value >= last; value += step) {
        if (out.size() >= most_points) return too_many("--sweep " + option);
        out.push_back(std::to_string(value));
    }
    return {};
}

result<std::pair<std::string, std::vector<std::string>>> values_of(const std::string& option) {
    const std::size_t equals = option.find('=');
    const std::string name = option.substr(0, equals);
    if (equals == std::string::npos || name.empty() || name.find_first_of("{} \t\n") != std::string::npos) {
        return error(kind::usage, fmt::format("--sweep cannot be `{}`", printable(option)),
                     "give NAME=VALUES: lr=0.1,0.01 or seed=1..5");
    }
    std::vector<std::string> values;
    std::string_view rest = std::string_view(option).substr(equals + 1);
    // "lr=" is a slip, mostly of a variable that is not set; "lr=a," has an empty value by intent.
    while (!rest.empty() || !values.empty()) {
        const std::size_t comma = rest.find(',');
        ACT_TRY_VOID(add_values(printable(option), rest.substr(0, comma), values));
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
    }
    if (values.empty())
        return error(kind::usage, fmt::format("--sweep {} has no values", printable(option)),
                     "give NAME=VALUES: lr=0.1,0.01 or seed=1..5");
    return std::pair(name, std::move(values));
}

result<std::vector<sweep_point>> points_of_file(const std::string& file) {
    if (file.ends_with(".csv")) return read_csv(file);
    if (file.ends_with(".yaml") || file.ends_with(".yml")) return cluster::load_points(file);
    return error(kind::usage, fmt::format("--sweep-file {}: what kind of file is this?", printable(file)),
                 "name it .csv (with a header row) or .yaml (a list of mappings)");
}

result<void> multiply(std::vector<sweep_point>& points, const std::string& name,
                      const std::vector<std::string>& values) {
    if (points.size() * values.size() > most_points) return too_many("the sweep");
    std::vector<sweep_point> out;
    out.reserve(points.size() * values.size());
    for (const auto& point : points) {
        for (const auto& value : values) {
            out.push_back(point);
            out.back().emplace_back(name, value);
        }
    }
    points = std::move(out);
    return {};
}

result<void> check_names(const std::vector<sweep_point>& points) {
    for (const auto& point : points) {
        // By their variables, which are what could hide one another.
        std::set<std::string> seen;
        for (const auto& [name, value] : point) {
            if (!seen.insert(sweep_variable(name)).second) {
                return error(kind::usage,
                             fmt::format("the sweep has the parameter {} twice", printable(name)),
                             "name each parameter once");
            }
        }
    }
    return {};
}

// Calls `found` with the parameter of each placeholder, and puts there what it returns.
template <class Found>
std::string filled(const std::string& word, const sweep_point& point, Found found) {
    std::string out;
    for (std::size_t at = 0; at < word.size();) {
        std::size_t i = 0;
        for (; word[at] == '{' && i < point.size(); ++i) {
            if (word.compare(at, point[i].first.size() + 2, "{" + point[i].first + "}") == 0) break;
        }
        if (word[at] != '{' || i == point.size()) {
            out += word[at++];
        } else {
            out += found(i);
            at += point[i].first.size() + 2;
        }
    }
    return out;
}

}  // namespace

result<std::vector<sweep_point>> sweep_points(const std::vector<std::string>& parameters,
                                              const std::string& file) {
    std::vector<sweep_point> points;
    if (parameters.empty() && file.empty()) return points;
    if (file.empty()) {
        points.emplace_back();
    } else {
        ACT_TRY(points, points_of_file(file));
        if (points.empty())
            return error(kind::usage, fmt::format("--sweep-file {} holds no points", printable(file)),
                         "write a row, or a list item, for each run");
        if (points.size() > most_points) return too_many("--sweep-file " + printable(file));
    }
    for (const auto& parameter : parameters) {
        ACT_TRY(auto values, values_of(parameter));
        ACT_TRY_VOID(multiply(points, values.first, values.second));
    }
    ACT_TRY_VOID(check_names(points));
    return points;
}

std::vector<std::string> command_at(const std::vector<std::string>& command, const sweep_point& point) {
    std::vector<std::string> out;
    std::set<std::size_t> placed;
    for (const auto& word : command) {
        out.push_back(filled(word, point, [&](std::size_t i) {
            placed.insert(i);
            return point[i].second;
        }));
    }
    for (std::size_t i = 0; i < point.size(); ++i) {
        if (placed.count(i) != 0) continue;
        out.push_back("--" + point[i].first);
        out.push_back(point[i].second);
    }
    return out;
}

std::string shell_line_at(const std::string& line, const sweep_point& point) {
    return filled(line, point, [&](std::size_t i) { return shell_quoted(point[i].second); });
}

std::string to_text(const sweep_point& point) {
    std::string out;
    for (const auto& [name, value] : point) out += (out.empty() ? "" : " ") + name + "=" + value;
    return out;
}

std::string sweep_variable(const std::string& parameter) {
    std::string out = "ACT_SWEEP_";
    for (char c : parameter) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out += plain ? c : '_';
    }
    return out;
}

}  // namespace act::cli
