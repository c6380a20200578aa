#include "engine/core/uri.hpp"

#include <arpa/inet.h>
#include <charconv>

#include "engine/core/secret.hpp"

namespace act {

namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_unreserved(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

std::string encode(std::string_view text, bool keep_slashes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size() + text.size() / 4);
    for (const char c : text) {
        if (is_unreserved(c) || (keep_slashes && c == '/')) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

/// What may be shown of a URL that is refused: no query, fragment or user info, where secrets stand.
std::string shown(std::string_view text) {
    text = text.substr(0, text.find_first_of("?#"));
    std::string out(text);
    if (const std::size_t at = out.rfind('@'); at != std::string::npos) {
        const std::size_t scheme = out.find("://");
        const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
        if (begin < at) out.replace(begin, at - begin, "***");
    }
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return redact(out);
}

error refused(std::string_view text, std::string_view reason, std::string advice = {}) {
    return error(kind::usage, "URL '" + shown(text) + "': " + std::string(reason), std::move(advice));
}

bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > 255) return false;
    for (const char c : host) {
        if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') return false;
    }
    return host.front() != '.' && host.find("..") == std::string_view::npos;
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// A byte that would break a request line.
bool has_unsafe_byte(std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7f) return true;
    }
    return false;
}

}  // namespace

std::string uri::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != (tls ? 443 : 80)) text += ':' + std::to_string(port);
    return text;
}

std::string uri::str() const {
    std::string text = (tls ? "https://" : "http://") + authority() + path;
    if (!query.empty()) text += '?' + query;
    return text;
}

result<uri> parse_uri(std::string_view text) {
    uri out;
    const std::size_t colon = text.find("://");
    const std::string scheme = colon == std::string_view::npos ? "" : lower(text.substr(0, colon));
    if (scheme == "https") {
        out.tls = true;
    } else if (scheme != "http") {
        return refused(text, "not an http or https URL", "write it as https://HOST/PATH");
    }

    std::string_view rest = text.substr(colon + 3);
    if (rest.find('#') != std::string_view::npos) {
        return refused(text, "a fragment ('#...') has no meaning here", "write a '#' in a name as %23");
    }
    const std::size_t end = rest.find_first_of("/?");
    std::string_view authority = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
    if (authority.find('@') != std::string_view::npos) {
        return refused(text, "user name and password in a URL are not supported",
                       "leave out the part before '@'");
    }

    std::string_view port;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) return refused(text, "the IPv6 address has no closing bracket");
        out.host = lower(authority.substr(1, close - 1));
        port = authority.substr(close + 1);
        if (!is_ipv6(out.host)) return refused(text, "not an IPv6 address in the brackets");
        if (!port.empty() && port.front() != ':')
            return refused(text, "something stands after the IPv6 address");
    } else {
        const std::size_t at = authority.find(':');
        out.host = lower(authority.substr(0, at));
        port = at == std::string_view::npos ? std::string_view{} : authority.substr(at);
        if (out.host.empty()) return refused(text, "the host is missing", "write it as https://HOST/PATH");
        if (!is_host_name(out.host)) return refused(text, "not a host name");
    }
    out.port = out.tls ? 443 : 80;
    if (port.size() > 1) {
        port.remove_prefix(1);
        const auto parsed = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (parsed.ec != std::errc{} || parsed.ptr != port.data() + port.size() || out.port == 0) {
            return refused(text, "not a port number");
        }
    }

    const std::size_t mark = rest.find('?');
    out.path = rest.substr(0, mark);
    if (mark != std::string_view::npos) out.query = rest.substr(mark + 1);
    if (has_unsafe_byte(out.path) || has_unsafe_byte(out.query)) {
        return refused(text, "spaces and characters outside ASCII must be percent-encoded",
                       "write a space as %20 and put the URL in quotes");
    }
    if (!decode_component(out.path)) {
        return refused(text, "a '%' is not followed by two hexadecimal digits",
                       "write a '%' in a name as %25");
    }
    return out;
}

std::string encode_component(std::string_view text) { return encode(text, false); }
std::string encode_path(std::string_view text) { return encode(text, true); }

std::optional<std::string> decode_component(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view piece = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (piece.empty()) continue;
        const std::size_t equals = piece.find('=');
        const std::string_view name = piece.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1);
        pairs.emplace_back(decode_component(name).value_or(std::string(name)),
                           decode_component(value).value_or(std::string(value)));
    }
    return pairs;
}

}  // namespace act
