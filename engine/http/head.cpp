#include "engine/http/head.hpp"

#include <cstring>

#include "engine/http/chars.hpp"

namespace act::http {

namespace {

std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

void note_connection(std::string_view value, message_facts& facts) {
    while (!value.empty()) {
        const auto comma = value.find(',');
        const auto word = trim(value.substr(0, comma));
        if (same_name(word, "close")) facts.close = true;
        if (same_name(word, "keep-alive")) facts.keep_alive = true;
        if (comma == std::string_view::npos) break;
        value.remove_prefix(comma + 1);
    }
}

// One pass over the fields that frame the message; a switch on the length keeps it to few comparisons.
head_problem note_fields(const fields& f, message_facts& facts) {
    for (std::size_t i = 0; i < f.size(); ++i) {
        const auto [name, value] = f.at(i);
        switch (name.size()) {
            case 4:
                if (same_name(name, "Host")) ++facts.hosts;
                break;
            case 6:
                if (same_name(name, "Expect") && same_name(value, "100-continue"))
                    facts.expect_continue = true;
                break;
            case 10:
                if (same_name(name, "Connection")) note_connection(value, facts);
                break;
            case 14:
                if (same_name(name, "Content-Length")) {
                    const auto length = parse_number(value);
                    if (!length) return {"Content-Length is not a number"};
                    if (facts.content_length && *facts.content_length != *length) {
                        return {"conflicting Content-Length fields"};
                    }
                    facts.content_length = length;
                }
                break;
            case 17:
                if (same_name(name, "Transfer-Encoding")) {
                    if (facts.chunked) return {"more than one Transfer-Encoding"};
                    if (!same_name(value, "chunked")) return {"unknown Transfer-Encoding", 501};
                    facts.chunked = true;
                }
                break;
            default:
                break;
        }
    }
    // Both at once is how requests are smuggled past proxies (RFC 9112 section 6.3).
    if (facts.chunked && facts.content_length) return {"both Content-Length and Transfer-Encoding"};
    return {};
}

/// "HTTP/1.x": false for anything else.
bool parse_version(std::string_view text, message_facts& facts) {
    if (text.size() != 8 || text.substr(0, 7) != "HTTP/1.") return false;
    if (text[7] < '0' || text[7] > '9') return false;
    facts.minor_version = static_cast<unsigned>(text[7] - '0');
    return true;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    if (text.empty() || text.size() > 19) return {};
    std::uint64_t n = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return {};
        n = n * 10 + static_cast<unsigned>(c - '0');
    }
    return n;
}

std::size_t find_head(std::string_view buffered, std::size_t& scanned) {
    std::size_t from = scanned > 3 ? scanned - 3 : 0;
    if (from > buffered.size()) from = 0;
    if (buffered.empty()) return 0;  // memmem must not see a null pointer
    const void* found = ::memmem(buffered.data() + from, buffered.size() - from, "\r\n\r\n", 4);
    scanned = buffered.size();
    if (!found) return 0;
    return static_cast<std::size_t>(static_cast<const char*>(found) - buffered.data()) + 4;
}

head_problem parse_response(std::string_view head, response_head& out, message_facts& facts) {
    facts = {};
    out.status = 0;
    out.content_length.reset();
    const auto line_end = head.find("\r\n");
    if (line_end == std::string_view::npos || head.size() < line_end + 4) return {"head is cut short"};
    const auto line = head.substr(0, line_end);
    if (line.size() < 12 || !parse_version(line.substr(0, 8), facts) || line[8] != ' ') {
        return {"not an HTTP/1 response"};
    }
    for (std::size_t i = 9; i < 12; ++i) {
        if (line[i] < '0' || line[i] > '9') return {"malformed status"};
        out.status = out.status * 10 + (line[i] - '0');
    }
    if (out.status < 100 || out.status > 599) return {"malformed status"};
    if (line.size() > 12 && line[12] != ' ') return {"malformed status line"};
    const auto reason = line.size() > 13 ? line.substr(13) : std::string_view();
    for (char c : reason) {
        if (!is_text(c)) return {"malformed reason"};
    }
    out.reason.assign(reason);
    if (!out.headers.assign(head.substr(line_end + 2, head.size() - line_end - 4)))
        return {"malformed header field"};
    auto problem = note_fields(out.headers, facts);
    out.content_length = facts.content_length;
    return problem;
}

head_problem parse_request(std::string_view head, server_exchange::head& out, message_facts& facts) {
    facts = {};
    out.content_length.reset();
    out.chunked = false;
    const auto line_end = head.find("\r\n");
    if (line_end == std::string_view::npos || head.size() < line_end + 4) return {"head is cut short"};
    const auto line = head.substr(0, line_end);

    std::size_t i = 0;
    while (i < line.size() && is_token(line[i])) ++i;
    if (i == 0 || i == line.size() || line[i] != ' ') return {"malformed request line"};
    out.method.assign(line.substr(0, i));
    const std::size_t target_begin = ++i;
    while (i < line.size() && line[i] != ' ' && line[i] != '\t' && is_text(line[i])) ++i;
    auto target = line.substr(target_begin, i - target_begin);
    if (target.empty() || i == line.size() || line[i] != ' ') return {"malformed request line"};
    const auto version = line.substr(i + 1);
    if (!parse_version(version, facts)) {
        if (version.substr(0, 5) == "HTTP/") return {"HTTP version not supported", 505};
        return {"malformed request line"};
    }
    // The absolute form, as sent to proxies, means the same as its path (RFC 9112 section 3.2.2).
    for (std::string_view scheme : {"http://", "https://"}) {
        if (target.size() > scheme.size() && same_name(target.substr(0, scheme.size()), scheme)) {
            const auto slash = target.find('/', scheme.size());
            target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
            break;
        }
    }
    if (target.front() != '/' && target != "*") return {"malformed request target"};
    out.target.assign(target);

    if (!out.headers.assign(head.substr(line_end + 2, head.size() - line_end - 4)))
        return {"malformed header field"};
    if (auto problem = note_fields(out.headers, facts)) return problem;
    if (facts.hosts > 1 || (facts.hosts == 0 && facts.minor_version >= 1))
        return {"exactly one Host is required"};
    out.content_length = facts.content_length;
    out.chunked = facts.chunked;
    return {};
}

}  // namespace act::http
