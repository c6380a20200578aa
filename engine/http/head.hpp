#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/http/message.hpp"
#include "engine/http/server.hpp"

/// Strict parsing of heads (RFC 9112), without allocations once the strings have grown. Private to
/// engine/http.
namespace act::http {

/// The size of the head at the front of `buffered`, its empty line included; 0 while it is not complete.
/// `scanned` remembers how far earlier calls looked.
std::size_t find_head(std::string_view buffered, std::size_t& scanned);

/// What the fields say about the message around them.
struct message_facts {
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool close = false;
    bool keep_alive = false;
    bool expect_continue = false;
    unsigned hosts = 0;
    unsigned minor_version = 1;

    /// Whether the connection may carry another message after this one.
    bool persistent() const { return !close && (minor_version >= 1 || keep_alive); }
};

/// Why a head was refused; `status` is what a server answers. An empty reason: all is well.
struct head_problem {
    std::string_view reason;
    int status = 400;
    explicit operator bool() const { return !reason.empty(); }
};

/// `head` is what find_head found.
head_problem parse_response(std::string_view head, response_head&, message_facts&);
head_problem parse_request(std::string_view head, server_exchange::head&, message_facts&);

/// Decimal digits only, no sign, no overflow.
std::optional<std::uint64_t> parse_number(std::string_view);

}  // namespace act::http
