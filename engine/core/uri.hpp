#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/result.hpp"

namespace act {

/// An absolute http or https URL. `path` is kept exactly as encoded on the wire and begins with '/' (or is
/// empty); `query` is without '?'. IPv6 hosts are stored without brackets. User info and fragments are
/// refused.
struct uri {
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    std::string path;
    std::string query;

    /// "host:port", the port left out where it is the scheme's own; brackets around IPv6.
    std::string authority() const;
    std::string str() const;
};

/// The error never holds the query: a SAS may stand there.
result<uri> parse_uri(std::string_view);

/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3); a path keeps its slashes.
std::string encode_component(std::string_view);
std::string encode_path(std::string_view);
/// Undoes percent-encoding; nothing on a malformed or truncated escape. '+' stays '+'.
std::optional<std::string> decode_component(std::string_view);

/// Splits "a=1&b=&c" into decoded pairs, in order. Pieces that do not decode are left as they are.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view);

}  // namespace act
