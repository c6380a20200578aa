#include "engine/http/proxy.hpp"

#include <algorithm>
#include <netinet/in.h>

#include <fmt/format.h>

#include "engine/codec/base64.hpp"
#include "engine/core/uri.hpp"
#include "engine/http/head.hpp"

namespace act::http {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > 65535) return {};
    return static_cast<std::uint16_t>(*number);
}

struct host_port {
    std::string host;
    std::string_view port;  ///< empty: none is given
};

/// "name:80", "10.0.0.1", "::1", "[::1]:80".
host_port split(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return {};
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') return {};
        return {std::string(text.substr(1, end - 1)), rest.empty() ? rest : rest.substr(1)};
    }
    const std::size_t colon = text.find(':');
    // Two colons: an IPv6 address without brackets.
    if (colon == std::string_view::npos || text.rfind(':') != colon) return {std::string(text), {}};
    return {std::string(text.substr(0, colon)), text.substr(colon + 1)};
}

std::span<const unsigned char> bytes_of(const address& a) {
    if (a.family() == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in*>(&a.storage)->sin_addr;
        return {reinterpret_cast<const unsigned char*>(&v4), 4};
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(&a.storage)->sin6_addr;
    return {v6.s6_addr, 16};
}

bool within(const address& a, const address& network, unsigned bits) {
    if (a.family() != network.family()) return false;
    const auto mine = bytes_of(a), theirs = bytes_of(network);
    for (std::size_t i = 0; i < mine.size() && bits > 0; ++i) {
        const unsigned used = std::min(bits, 8u);
        const unsigned mask = 0xffu << (8 - used) & 0xffu;
        if ((mine[i] ^ theirs[i]) & mask) return false;
        bits -= used;
    }
    return true;
}

/// Of this link alone: there a cloud tells a machine of itself, and gives it its tokens.
bool link_local(const address& a) {
    const auto bytes = bytes_of(a);
    return bytes.size() == 4 ? bytes[0] == 169 && bytes[1] == 254
                             : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool sendable(std::string_view host) {
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '/' && c != '@' && c != '\\';
    });
}

/// The value may hold a password: no message shows it.
error unusable(const std::string& variable, std::string_view reason) {
    return error(
        kind::configuration, fmt::format("{} {}", variable, reason),
        fmt::format("write it as {}=http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with special "
                    "characters percent-encoded; or unset it",
                    variable));
}

result<proxy> parse_proxy(const std::string& variable, std::string_view text) {
    if (const std::size_t colon = text.find("://"); colon != std::string_view::npos) {
        const std::string scheme = lower(text.substr(0, colon));
        if (scheme == "https") return unusable(variable, "asks for TLS to the proxy, which act cannot do");
        if (scheme.starts_with("socks"))
            return unusable(variable, "names a SOCKS proxy, which act cannot use");
        if (scheme != "http") return unusable(variable, "does not name an http proxy");
        text.remove_prefix(colon + 3);
    }
    const std::string_view behind = text.substr(std::min(text.find_first_of("/?#"), text.size()));
    if (behind.find('@') != std::string_view::npos)
        return unusable(variable, "holds credentials with a special character that is not percent-encoded");
    text.remove_suffix(behind.size());
    proxy out;
    out.variable = variable;
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        const std::string_view user = text.substr(0, at);
        const std::size_t colon = user.find(':');
        const auto name = decode_component(user.substr(0, colon));
        const auto password =
            decode_component(colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1));
        if (!name || !password) return unusable(variable, "holds credentials with a broken percent-encoding");
        const std::string both = *name + ':' + *password;
        const auto bytes = std::as_bytes(std::span(both.data(), both.size()));
        out.authorization = secret("Basic " + codec::base64_encode(bytes));
        text.remove_prefix(at + 1);
    }
    const host_port place = split(text);
    if (!sendable(place.host)) return unusable(variable, "does not name a host");
    out.host = place.host;
    if (!place.port.empty()) {
        const auto port = parse_port(place.port);
        if (!port) return unusable(variable, "has no valid port");
        out.port = *port;
    }
    return out;
}

}  // namespace

std::string proxy::name() const {
    const bool v6 = host.find(':') != std::string::npos;
    return fmt::format("the proxy {}{}{}:{} ({})", v6 ? "[" : "", host, v6 ? "]" : "", port, variable);
}

error proxy::refusal(int status, std::string_view reason, const std::string& target) const {
    const std::string bare = target.substr(0, target.rfind(':'));
    const std::string direct = fmt::format("name {} in NO_PROXY if it can be reached without a proxy", bare);
    if (status == 407) {
        return error(kind::authentication,
                     authorization.empty()
                         ? fmt::format("{} asks for a user and a password (407)", name())
                         : fmt::format("{} does not accept its user and password (407)", name()),
                     fmt::format("put those it takes by Basic authentication into {}, as "
                                 "http://USER:PASSWORD@{}:{}, special characters percent-encoded; or {}",
                                 variable, host, port, direct))
            .with_service({}, status, {});
    }
    // What a proxy says that tried and did not get through may pass.
    const bool may_pass = status >= 500 || status == 408 || status == 429;
    return error(may_pass ? kind::unavailable : kind::permission,
                 fmt::format("{} refused a tunnel to {}: {} {}", name(), target, status, reason),
                 may_pass ? "check that the proxy can reach that host; or " + direct
                          : "ask whoever runs the proxy to allow that host; or " + direct)
        .with_service({}, status, {});
}

proxy_rules::proxy_rules(const std::map<std::string, std::string>& environment) {
    const auto value = [&](const std::string& name) -> std::string {
        const auto found = environment.find(name);
        return found == environment.end() ? std::string() : found->second;
    };
    const auto either = [&](const char* name) -> variable {
        if (std::string big = value(name); !big.empty()) return {name, std::move(big)};
        const std::string small_name = lower(name);
        return {small_name, value(small_name)};
    };
    https_ = either("HTTPS_PROXY");
    all_ = either("ALL_PROXY");
    // A web server hands the header `Proxy:` of a stranger to its CGI programs as HTTP_PROXY.
    http_ =
        value("REQUEST_METHOD").empty() ? either("HTTP_PROXY") : variable{"http_proxy", value("http_proxy")};
    const std::string list = either("NO_PROXY").value;
    for (std::size_t at = 0; at < list.size();) {
        const std::size_t end = std::min(list.find_first_of(", \t", at), list.size());
        if (end > at) except(std::string_view(list).substr(at, end - at));
        at = end + 1;
    }
}

void proxy_rules::except(std::string_view word) {
    if (word == "*") {
        none_ = true;
        return;
    }
    exception e;
    if (const std::size_t slash = word.rfind('/'); slash != std::string_view::npos) {
        const auto bits = parse_number(word.substr(slash + 1));
        if (!bits || !parse_address(std::string(word.substr(0, slash)), 0, e.network)) return;
        if (*bits > bytes_of(e.network).size() * 8) return;
        e.bits = static_cast<unsigned>(*bits);
        exceptions_.push_back(std::move(e));
        return;
    }
    host_port place = split(word);
    if (!place.port.empty()) {
        const auto port = parse_port(place.port);
        if (!port) return;
        e.port = *port;
    }
    if (parse_address(place.host, 0, e.network)) {
        e.bits = static_cast<unsigned>(bytes_of(e.network).size() * 8);
    } else {
        std::string name = lower(place.host);
        if (name.starts_with("*.")) name.erase(0, 1);
        e.itself = !name.starts_with('.');
        e.suffix = e.itself ? "." + name : std::move(name);
        if (e.suffix.size() < 2) return;
    }
    exceptions_.push_back(std::move(e));
}

bool proxy_rules::excepted(const std::string& host, std::uint16_t port) const {
    if (none_) return true;
    std::string name = lower(host);
    if (name.ends_with('.')) name.pop_back();
    address numeric;
    const bool is_address = parse_address(name, port, numeric);
    // What is on this machine is not for others to reach; nor is what a cloud tells it of itself.
    if (is_address ? numeric.loopback() || link_local(numeric) : name == "localhost") return true;
    return std::any_of(exceptions_.begin(), exceptions_.end(), [&](const exception& e) {
        if (e.port != 0 && e.port != port) return false;
        if (e.suffix.empty()) return is_address && within(numeric, e.network, e.bits);
        if (is_address) return false;
        return name.ends_with(e.suffix) || (e.itself && name == std::string_view(e.suffix).substr(1));
    });
}

result<std::optional<proxy>> proxy_rules::route(const std::string& host, std::uint16_t port, bool tls) const {
    const variable& own = tls ? https_ : http_;
    const variable& chosen = own.value.empty() ? all_ : own;
    if (chosen.value.empty() || excepted(host, port)) return std::optional<proxy>();
    ACT_TRY(proxy found, parse_proxy(chosen.name, chosen.value));
    return std::optional(std::move(found));
}

}  // namespace act::http
