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

/// Of a setting that may be anything's: "pad_token: <pad>", "max_tokens: 512" and "keypoints: a/b" are none.
bool is_likely(std::string_view key, const std::string& value) {
    if (!is_literal(value)) return false;
    std::string low(key);
    std::transform(low.begin(), low.end(), low.begin(), [](unsigned char c) { return std::tolower(c); });
    for (std::string_view word : {"password", "passwd", "secret", "credential"}) {
        if (low.find(word) != low.npos) return true;
    }
    constexpr std::size_t shortest = 16;
    if (value.size() < shortest || value.find_first_not_of("0123456789.") == value.npos ||
        value.find(' ') != value.npos) {
        return false;
    }
    const std::string last = low.substr(low.find_last_of("_-. ") + 1);
    return last == "key" || last == "sas" || last.ends_with("apikey") || last.ends_with("accesskey") ||
           last.ends_with("token") || low.ends_with("connection_string");
}

bool is_named(std::string_view key, const std::string& value) {
    // "tokens_folder" maps a folder.
    return is_literal(value) && names_secret(key) && !key.ends_with("_folder");
}

using rule = bool (*)(std::string_view key, const std::string& value);

bool is_secret(std::string_view key, const yaml::node& value, rule is) {
    if (value.kind == yaml::node::type::scalar) return is(key, value.text);
    return std::any_of(value.items.begin(), value.items.end(),
                       [&](auto& v) { return is_secret(key, v, is); });
}

bool any_secret(const yaml::node& n, rule is) {
    for (const auto& f : n.fields) {
        if (is_secret(f.key, f.value, is) || any_secret(f.value, is)) return true;
    }
    return std::any_of(n.items.begin(), n.items.end(), [&](auto& v) { return any_secret(v, is); });
}

}  // namespace

bool holds_secret(const config& c) { return any_literal(c.env) || any_literal(c.other); }

bool holds_secret(const std::string& text) {
    auto read = yaml::parse(text, "a cluster file");
    // The only warning is of a key that stands twice, and the first value is lost.
    return !read || !read->warnings.empty() || any_secret(read->root, is_named);
}

bool seems_to_hold_secret(const std::string& text) {
    auto read = yaml::parse(text, "a file");
    return read && any_secret(read->root, is_likely);
}

}  // namespace act::cluster
