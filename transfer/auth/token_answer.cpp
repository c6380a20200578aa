#include "transfer/auth/token_answer.hpp"

#include <charconv>
#include <ctime>

#include <boost/json.hpp>

namespace act::auth {
namespace {

namespace json = boost::json;

constexpr auto shortest = std::chrono::seconds(1);

std::optional<json::object> parse(std::string_view text) {
    boost::system::error_code bad;
    json::value v = json::parse(json::string_view(text.data(), text.size()), bad);
    if (bad || !v.is_object()) return {};
    return std::move(v.get_object());
}

std::string text_of(const json::object& o, const char* key) {
    const json::value* v = o.if_contains(key);
    return v && v->is_string() ? std::string(v->get_string().c_str()) : std::string();
}

/// A number, also when it is written as a text.
std::optional<std::int64_t> number_of(const json::object& o, const char* key) {
    const json::value* v = o.if_contains(key);
    if (!v) return {};
    if (v->is_int64()) return v->get_int64();
    if (!v->is_string()) return {};
    const auto& text = v->get_string();
    std::int64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (problem != std::errc() || end != text.data() + text.size()) return {};
    return out;
}

/// "2026-11-22 08:00:00.123456", in local time: what older versions of the az program give.
std::optional<wall_time> local_time(const std::string& text) {
    std::tm when{};
    if (!::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &when)) return {};
    when.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&when);
    if (seconds == -1) return {};
    return wall_time() + std::chrono::seconds(seconds);
}

}  // namespace

result<access_token> read_token(std::string_view text, wall_time now) {
    const auto unreadable = [] { return error(kind::protocol, "the answer is not one that holds a token"); };
    const auto o = parse(text);
    if (!o) return unreadable();
    access_token out;
    std::string token = text_of(*o, "access_token");
    if (token.empty()) token = text_of(*o, "accessToken");
    for (const char c : token) {
        // It becomes part of a header.
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            return unreadable();
    }
    if (token.empty()) return unreadable();
    out.text = secret(std::move(token));
    if (const auto in = number_of(*o, "expires_in"); in && *in >= 0 && *in < 1'000'000'000) {
        out.expires = now + std::chrono::seconds(*in);
    } else if (const auto on = number_of(*o, "expires_on"); on && *on >= 0 && *on < 9'000'000'000) {
        out.expires = wall_time() + std::chrono::seconds(*on);
    } else if (const auto at = local_time(text_of(*o, "expiresOn"))) {
        out.expires = *at;
    } else {
        return unreadable();
    }
    if (out.expires < now + shortest) return error(kind::authentication, "the token that came has expired");
    return out;
}

std::string read_refusal(std::string_view text) {
    const auto o = parse(text);
    if (!o) return {};
    std::string reason = text_of(*o, "error_description");
    if (reason.empty()) reason = text_of(*o, "message");
    if (reason.empty()) reason = text_of(*o, "error");
    reason = reason.substr(0, std::min<std::size_t>(reason.find_first_of("\r\n"), 300));
    return redact(reason);
}

}  // namespace act::auth
