#include "submit/cluster/error_rules.hpp"

#include "submit/cluster/yaml.hpp"

namespace act::cluster {
namespace {

error wrong(const yaml::field& f, const std::string& what) {
    return error(kind::configuration, f.where() + ": " + what,
                 "write NAME: {pattern: 'text of a line, as for grep -E', retriable: true}");
}

result<void> take(const yaml::field& rule, std::vector<error_rule>& out) {
    if (rule.value.kind != yaml::node::type::map) return wrong(rule, rule.key + " must have a pattern");
    bool retriable = false;
    std::vector<std::string> patterns;
    for (const auto& f : rule.value.fields) {
        if (f.key == "retriable") {
            ACT_TRY(retriable, yaml::boolean(f.value, f.key));
        } else if (f.key != "pattern") {
            return wrong(f, "'" + f.key + "' is not known here");
        } else if (f.value.kind == yaml::node::type::list) {
            for (const auto& one : f.value.items) {
                ACT_TRY(std::string text, yaml::text(one, f.key));
                patterns.push_back(std::move(text));
            }
        } else {
            ACT_TRY(std::string text, yaml::text(f.value, f.key));
            patterns.push_back(std::move(text));
        }
    }
    for (auto& p : patterns) {
        if (p.empty()) return wrong(rule, "a pattern of " + rule.key + " is empty");
        out.push_back({rule.key, std::move(p), retriable});
    }
    return patterns.empty() ? result<void>(wrong(rule, rule.key + " must have a pattern")) : result<void>();
}

}  // namespace

result<std::vector<error_rule>> load_error_rules(const std::string& root) {
    std::vector<error_rule> out;
    auto read = yaml::load(root + "/aux_data/error_classes.yaml");
    if (!read && read.error().kind() == kind::not_found) return out;
    if (!read) return read.error();
    for (const auto& f : read->root.fields) ACT_TRY_VOID(take(f, out));
    return out;
}

}  // namespace act::cluster
