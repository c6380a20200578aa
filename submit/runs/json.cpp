#include "submit/runs/json.hpp"

namespace act::runs::json {

result<boost::json::object> parse(std::string_view text, const std::string& what,
                                  boost::json::storage_ptr memory) {
    boost::json::parse_options options;
    options.allow_invalid_utf8 = true;
    boost::system::error_code bad;
    boost::json::value v = boost::json::parse({text.data(), text.size()}, bad, std::move(memory), options);
    if (bad || !v.is_object()) return error(kind::protocol, what + " is not a JSON object");
    return std::move(v.get_object());
}

std::string text(const boost::json::object& o, std::string_view key) {
    const auto* v = o.if_contains({key.data(), key.size()});
    return v && v->is_string() ? std::string(v->get_string()) : std::string();
}

std::int64_t number(const boost::json::object& o, std::string_view key) {
    const auto* v = o.if_contains({key.data(), key.size()});
    if (v && v->is_int64()) return v->get_int64();
    return v && v->is_uint64() ? static_cast<std::int64_t>(v->get_uint64()) : 0;
}

bool boolean(const boost::json::object& o, std::string_view key) {
    const auto* v = o.if_contains({key.data(), key.size()});
    return v && v->is_bool() && v->get_bool();
}

boost::json::object object_of(const std::map<std::string, std::string>& texts) {
    boost::json::object o;
    for (const auto& [key, value] : texts) o[key] = value;
    return o;
}

void take_object(const boost::json::object& o, std::string_view key,
                 std::map<std::string, std::string>& into) {
    const auto* v = o.if_contains({key.data(), key.size()});
    if (!v || !v->is_object()) return;
    into.clear();
    for (const auto& [name, value] : v->get_object()) {
        if (value.is_string()) into[std::string(name)] = std::string(value.get_string());
    }
}

}  // namespace act::runs::json
