#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace act::http {

/// Header fields in one buffer, in the form they have on the wire ("Name: value\r\n"), so that sending them
/// is one gather and receiving them one copy. Names compare without case. Values must not hold CR or LF
/// (add() drops such a field's offending characters, so that no value can smuggle another header).
class fields {
public:
    void add(std::string_view name, std::string_view value);
    void add(std::string_view name, std::uint64_t value);
    /// Replaces all fields of that name.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    void clear();

    /// The first field's value, or an empty view; the views live until the next change.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;

    struct entry {
        std::string_view name;
        std::string_view value;
    };
    std::size_t size() const { return positions_.size(); }
    entry at(std::size_t index) const;
    /// Takes over lines as they were received, each ended by CRLF; false (and empty) when they are malformed.
    bool assign(std::string_view lines);
    /// The serialised lines, without the empty one that ends a head.
    std::string_view wire() const { return buffer_; }

private:
    struct position {
        std::uint32_t name, name_size, value, value_size;
    };
    void erase(std::size_t index);
    std::string buffer_;
    std::vector<position> positions_;
};

/// True when both are equal but for ASCII case.
bool same_name(std::string_view, std::string_view);

enum class verb { get, head, put, post, del, options, patch };
std::string_view to_string(verb);

/// What is sent after a head. The memory or file outlives the call it is passed to.
struct body {
    enum class source { none, memory, file };
    source from = source::none;
    std::span<const std::byte> bytes;
    int fd = -1;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;

    static body none() { return {}; }
    static body memory(std::span<const std::byte> b) {
        body r;
        r.from = source::memory, r.bytes = b, r.length = b.size();
        return r;
    }
    static body text(std::string_view t) { return memory(std::as_bytes(std::span(t.data(), t.size()))); }
    /// Sent by sendfile where the connection is plain. A file that ends early breaks the connection.
    static body file(int fd, std::uint64_t offset, std::uint64_t length) {
        body r;
        r.from = source::file, r.fd = fd, r.offset = offset, r.length = length;
        return r;
    }
};

/// A request's head. Content-Length is added from the body on sending, Host from the endpoint, unless set.
struct request {
    verb method = verb::get;
    std::string target;  ///< path and query, encoded
    fields headers;
    std::uint64_t answer_bytes = 0;  ///< of the answer's body, as far as known: for who paces requests
};

struct response_head {
    int status = 0;
    std::string reason;
    fields headers;
    /// Unset when the body is chunked or ends with the connection.
    std::optional<std::uint64_t> content_length;
};

}  // namespace act::http
