#include "submit/cluster/secrets.hpp"

#include <algorithm>

#include "submit/cluster/yaml.hpp"

namespace act::cluster {
namespace {

bool is_literal(const std::string& value) {
    return !value.empty() && !value.starts_with("env:") && !value.starts_with("file:");
}

bool any_literal(const std::map<std::string, std::string>& settings) {
    return std::any_of(settings.begin(), settings.end(), [](const auto& s) {
        return is_literal(s.second) && names_secret(s.first.substr(s.first.rfind('.') + 1));
    });
}

bool is_secret(const yaml::node& value) {
    if (value.kind == yaml::node::type::scalar) return is_literal(value.text);
    return std::any_of(value.items.begin(), value.items.end(), is_secret);
}

bool any_secret(const yaml::node& n) {
    for (const auto& f : n.fields) {
        // "tokens_folder" maps a folder.
        if (!f.key.ends_with("_folder") && names_secret(f.key) && is_secret(f.value)) return true;
        if (any_secret(f.value)) return true;
    }
    return std::any_of(n.items.begin(), n.items.end(), any_secret);
}

}  // namespace

bool holds_secret(const config& c) { return any_literal(c.env) || any_literal(c.other); }

bool holds_secret(const std::string& text) {
    auto read = yaml::parse(text, "a cluster file");
    // The only warning is of a key that stands twice, and the first value is lost.
    return !read || !read->warnings.empty() || any_secret(read->root);
}

}  // namespace act::cluster
