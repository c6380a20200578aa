#include "transfer/blob/batch.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace act::blob {
namespace {

constexpr std::size_t max_parts = 1024;

error wrong(std::string_view why) { return error(kind::protocol, fmt::format("batch body: {}", why)); }

/// Cuts one line off, without its line end. Nothing when there is no line end.
std::optional<std::string_view> take_line(std::string_view& rest) {
    auto end = rest.find('\n');
    if (end == rest.npos) return std::nullopt;
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    rest.remove_prefix(end + 1);
    return line;
}

std::string_view trim(std::string_view s) {
    while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
    while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
    return s;
}

/// Header lines up to the empty one. A part without a body may end with its last header line.
result<void> read_fields(std::string_view& rest, http::fields& out) {
    while (!rest.empty()) {
        auto line = take_line(rest);
        if (!line) line = std::exchange(rest, {});
        if (line->empty()) return {};
        auto colon = line->find(':');
        if (colon == line->npos || colon == 0) return wrong("a header line without a colon");
        out.add(line->substr(0, colon), trim(line->substr(colon + 1)));
    }
    return {};
}

std::optional<std::string> boundary_of(std::string_view content_type) {
    if (content_type.size() < 10 || !http::same_name(content_type.substr(0, 10), "multipart/"))
        return std::nullopt;
    for (auto rest = content_type;;) {
        auto semicolon = rest.find(';');
        if (semicolon == rest.npos) return std::nullopt;
        rest.remove_prefix(semicolon + 1);
        auto parameter = trim(rest.substr(0, rest.find(';')));
        if (parameter.size() < 9 || !http::same_name(parameter.substr(0, 9), "boundary=")) continue;
        auto value = parameter.substr(9);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        if (value.empty() || value.size() > 200) return std::nullopt;
        return std::string(value);
    }
}

/// The next line that is the delimiter itself; `last` when it is the closing one.
struct delimiter {
    std::size_t begin = 0, end = 0;
    bool last = false;
};
std::optional<delimiter> find_delimiter(std::string_view body, std::string_view mark, std::size_t from) {
    for (;; ++from) {
        from = body.find(mark, from);
        if (from == body.npos) return std::nullopt;
        if (from != 0 && body[from - 1] != '\n') continue;
        auto rest = body.substr(from + mark.size());
        bool last = rest.starts_with("--");
        auto line = trim(rest.substr(
            last ? 2 : 0, rest.find('\n') == rest.npos ? rest.npos : rest.find('\n') - (last ? 2 : 0)));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!trim(line).empty()) continue;  // a longer boundary that begins like ours
        auto newline = rest.find('\n');
        if (newline == rest.npos && !last) return std::nullopt;
        auto end = newline == rest.npos ? body.size() : from + mark.size() + newline + 1;
        return delimiter{from, end, last};
    }
}

result<batch_part> read_part(std::string_view text) {
    batch_part part;
    http::fields envelope;
    ACT_TRY_VOID(read_fields(text, envelope));
    if (auto id = envelope.get("Content-ID"); !id.empty()) {
        unsigned value = 0;
        auto [at, ec] = std::from_chars(id.data(), id.data() + id.size(), value);
        if (ec != std::errc() || at != id.data() + id.size()) return wrong("a Content-ID that is no number");
        part.id = value;
    }
    auto first = take_line(text);
    if (!first) first = std::exchange(text, {});
    if (first->empty()) return wrong("a part without a message");
    part.first_line = *first;
    ACT_TRY_VOID(read_fields(text, part.headers));
    if (auto length = part.headers.get("Content-Length"); !length.empty()) {
        std::size_t value = 0;
        auto [at, ec] = std::from_chars(length.data(), length.data() + length.size(), value);
        if (ec != std::errc() || at != length.data() + length.size())
            return wrong("a Content-Length that is no number");
        if (value < text.size()) text = text.substr(0, value);
    }
    part.body = text;
    return part;
}

}  // namespace

batch_writer::batch_writer(std::string boundary) : boundary_(std::move(boundary)) {}

void batch_writer::add(const batch_part& part) {
    out_.append("--").append(boundary_).append("\r\nContent-Type: application/http\r\n");
    out_.append("Content-Transfer-Encoding: binary\r\n");
    if (part.id) out_.append(fmt::format("Content-ID: {}\r\n", *part.id));
    out_.append("\r\n").append(part.first_line).append("\r\n").append(part.headers.wire()).append("\r\n");
    out_.append(part.body).append("\r\n");
}

std::string batch_writer::content_type() const { return "multipart/mixed; boundary=" + boundary_; }

std::string batch_writer::finish() {
    out_.append("--").append(boundary_).append("--\r\n");
    return std::move(out_);
}

result<std::vector<batch_part>> read_batch(std::string_view content_type, std::string_view body) {
    auto boundary = boundary_of(content_type);
    if (!boundary) return wrong("the content type has no boundary");
    auto mark = "--" + *boundary;
    std::vector<batch_part> parts;
    auto at = find_delimiter(body, mark, 0);
    if (!at) return wrong("the boundary does not occur");
    while (!at->last) {
        auto next = find_delimiter(body, mark, at->end);
        if (!next) return wrong("it is cut short");
        auto text = body.substr(at->end, next->begin - at->end);
        // The line end before a delimiter belongs to the delimiter.
        if (text.ends_with('\n')) text.remove_suffix(1);
        if (text.ends_with('\r')) text.remove_suffix(1);
        if (parts.size() == max_parts) return wrong("too many parts");
        ACT_TRY(auto part, read_part(text));
        parts.push_back(std::move(part));
        at = next;
    }
    return parts;
}

int batch_status(const batch_part& part) {
    std::string_view line = part.first_line;
    if (!line.starts_with("HTTP/")) return 0;
    auto space = line.find(' ');
    if (space == line.npos || line.size() < space + 4) return 0;
    int status = 0;
    auto digits = line.substr(space + 1, 3);
    auto [at, ec] = std::from_chars(digits.data(), digits.data() + 3, status);
    return ec == std::errc() && at == digits.data() + 3 && status >= 100 ? status : 0;
}

}  // namespace act::blob
