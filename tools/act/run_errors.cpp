#include "tools/act/run_errors.hpp"

#include <fmt/format.h>

#include "engine/core/utf8.hpp"
#include "submit/cluster/error_rules.hpp"
#include "submit/runs/log_files.hpp"
#include "tools/act/json.hpp"
#include "tools/act/text.hpp"

namespace act::cli {

namespace {

// Below the run's logs, or what else it was found in.
std::string place_of(const runs::record& r, const runs::error_class& c) {
    return c.file.starts_with(r.logs + "/") ? c.file.substr(r.logs.size() + 1) : c.file;
}

}  // namespace

result<std::vector<runs::error_class>> errors_of(const runs::record& r) {
    ACT_TRY(auto own, cluster::load_error_rules(r.project));
    std::vector<runs::error_rule> rules;
    for (auto& o : own)
        rules.push_back(
            {.name = std::move(o.name), .pattern = std::move(o.pattern), .retriable = o.retriable});
    ACT_TRY(auto scanner, runs::error_scanner::make(rules));
    for (const auto& log : runs::log_files(r)) ACT_TRY_VOID(scanner.scan_file(log.path));
    scanner.scan_text(r.reason, "reason");
    return scanner.found();
}

result<std::vector<runs::error_class>> remember_errors(runs::journal& journal, runs::record& r) {
    ACT_TRY(auto found, errors_of(r));
    if (!runs::is_final(r.state)) return found;
    std::string names;
    for (const auto& c : found) names += (names.empty() ? "" : ", ") + c.name;
    if (names == detail_of(r, detail::errors)) return found;
    ACT_TRY(r, journal.update(r.id, [&](runs::record& x) { x.details[detail::errors] = names; }));
    return found;
}

std::string error_text(const runs::record& r, const runs::error_class& c) {
    return fmt::format("{}{}  {}, {}:{}: {}", c.name, c.retriable ? " (retriable)" : "",
                       counted(c.lines, "line"), printable(place_of(r, c)), c.line, printable(c.text));
}

std::string error_line(const runs::record& r, const runs::error_class& c) {
    json_line line("error_class");
    line.add("run", r.id).add("name", c.name).add("retriable", c.retriable).add("lines", c.lines);
    line.add("file", place_of(r, c)).add("line", c.line).add("text", c.text);
    return line.text();
}

}  // namespace act::cli
