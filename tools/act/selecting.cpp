#include "tools/act/selecting.hpp"

#include "engine/core/units.hpp"
#include "engine/file/file.hpp"
#include "tools/act/world.hpp"

namespace act::cli {

namespace {

constexpr std::size_t largest_rule_file = 16 * MiB;

result<void> add_file(const invocation& call, const options::choice& c, bool include,
                      std::vector<plan::selection_rule>& rules) {
    auto text = file::read_all(call.world.absolute(c.text), largest_rule_file);
    if (!text) return text.error();
    for (auto& rule : plan::rules_of_text(*text, include)) rules.push_back(std::move(rule));
    return {};
}

}  // namespace

result<plan::selection> selection_of(const invocation& call) {
    using form = plan::selection_rule::form;
    using how = options::choice::how;
    const options& given = call.given;
    plan::selection_rules out;
    for (const auto& c : given.choices) {
        switch (c.kind) {
            case how::include:
            case how::exclude:
                out.rules.push_back({c.kind == how::include, form::glob, c.text});
                break;
            case how::include_regex:
            case how::exclude_regex:
                out.rules.push_back({c.kind == how::include_regex, form::regex, c.text});
                break;
            case how::include_from:
            case how::exclude_from:
                ACT_TRY_VOID(add_file(call, c, c.kind == how::include_from, out.rules));
                break;
        }
    }
    if (given.least_size) out.least_size = *given.least_size;
    if (given.most_size) out.most_size = *given.most_size;
    out.after = given.newer_than;
    out.before = given.older_than;
    return plan::selection::make(std::move(out));
}

}  // namespace act::cli
