#include "tools/act/run_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "engine/core/units.hpp"
#include "engine/core/utf8.hpp"
#include "tools/act/job_tools.hpp"
#include "tools/act/text.hpp"

namespace act::cli {

namespace {

struct column {
    std::string_view name;
    bool right = false;
    std::vector<std::string> cells;

    bool is_empty() const {
        return std::all_of(cells.begin(), cells.end(), [](const auto& c) { return c.empty(); });
    }
    bool is_common() const {
        return cells.size() > 1 &&
               std::all_of(cells.begin(), cells.end(), [&](const auto& c) { return c == cells.front(); });
    }
    std::size_t width() const {
        std::size_t widest = name.size();
        for (const auto& c : cells) widest = std::max(widest, width_of(c));
        return widest;
    }
};

std::string ago(wall_time then, wall_time now) {
    if (then == wall_time{}) return {};
    const double seconds = std::max(0.0, std::chrono::duration<double>(now - then).count());
    if (seconds < 60) return fmt::format("{:.0f}s", seconds);
    if (seconds < 3600) return fmt::format("{:.0f}m", seconds / 60);
    return seconds < 2 * 86400 ? fmt::format("{:.0f}h", seconds / 3600)
                               : fmt::format("{:.0f}d", seconds / 86400);
}

std::vector<column> columns_of(const std::vector<runs::record>& all, wall_time now) {
    std::vector<column> out;
    auto add = [&](std::string_view name, bool right, auto cell) {
        column c{name, right, {}};
        c.cells.reserve(all.size());
        for (const auto& r : all) c.cells.push_back(cell(r));
        out.push_back(std::move(c));
    };
    auto count = [](int n) { return n > 0 ? std::to_string(n) : std::string(); };
    add("run", false, [](const auto& r) { return r.id; });
    add("state", false, [](const auto& r) { return std::string(runs::to_string(r.state)); });
    add("exit", true,
        [](const auto& r) { return r.exit_code ? std::to_string(*r.exit_code) : std::string(); });
    add("errors", false, [](const auto& r) { return detail_of(r, detail::errors); });
    add("age", true, [&](const auto& r) { return ago(r.submitted, now); });
    add("duration", true, [&](const auto& r) {
        auto seconds = runs::duration(r, now);
        return seconds ? human_duration(*seconds) : std::string();
    });
    add("cluster", false, [](const auto& r) { return r.cluster; });
    add("gpus", true, [&](const auto& r) { return count(r.gpus); });
    add("name", false, [](const auto& r) { return printable(r.name); });
    add("group", false, [](const auto& r) { return printable(r.group); });
    add("point", false, [](const auto& r) { return printable(r.point); });
    add("command", false, [](const auto& r) { return command_text(r); });
    return out;
}

// The last column is not filled up, and what does not fit is cut out of it.
std::string row(const std::vector<column>& columns, const std::vector<std::size_t>& widths, std::size_t room,
                auto cell) {
    std::string line;
    std::size_t used = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        std::string text(cell(columns[i]));
        if (i + 1 == columns.size())
            return line + elide_middle(text, std::max<std::size_t>(room, used + 20) - used);
        std::string fill(widths[i] - width_of(text), ' ');
        line += columns[i].right ? fill + text : text + fill;
        line += "  ";
        used += widths[i] + 2;
    }
    return line;
}

}  // namespace

std::vector<std::string> run_table(const std::vector<runs::record>& all, wall_time now, std::size_t room) {
    auto columns = columns_of(all, now);
    std::erase_if(columns, [](const column& c) { return c.is_empty(); });
    std::vector<std::string> lines;
    for (const auto& c : columns) {
        if (c.is_common())
            lines.push_back(elide_middle(fmt::format("{:<9} {}", c.name, c.cells.front()), room));
    }
    if (!lines.empty()) lines.emplace_back();
    std::erase_if(columns, [](const column& c) { return c.is_common(); });
    std::vector<std::size_t> widths;
    for (const auto& c : columns) widths.push_back(c.width());
    lines.push_back(row(columns, widths, room, [](const column& c) { return c.name; }));
    for (std::size_t i = 0; i < all.size(); ++i)
        lines.push_back(row(columns, widths, room, [&](const column& c) { return c.cells[i]; }));
    return lines;
}

}  // namespace act::cli
