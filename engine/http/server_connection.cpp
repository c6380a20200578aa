#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/http/server_impl.hpp"

namespace act::http {

namespace {

// What is left of a request's body after its answer is read this far, so that the client gets to see the
// answer.
constexpr std::uint64_t most_drained = 8 * 1024 * 1024;
constexpr std::uint64_t most_lingered = 32 * 1024 * 1024;
constexpr auto drain_time = std::chrono::seconds(10);
constexpr auto linger_time = std::chrono::seconds(2);

std::string_view phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Payload Too Large";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

// The date line changes once a second.
const std::string& date_line() {
    struct cached {
        std::time_t second = 0;
        std::string line;
    };
    thread_local cached c;
    const std::time_t at = std::time(nullptr);
    if (at != c.second) {
        c.second = at;
        c.line = "Date: " + to_http_date(wall_time(std::chrono::seconds(at))) + "\r\n";
    }
    return c.line;
}

void append_number(std::string& to, std::uint64_t n, int base = 10) {
    char digits[24];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, n, base).ptr);
}

}  // namespace

server_exchange::impl::impl(server_shared& s, loop& home, const address& from)
    : shared(s),
      stream(home, fmt::format("{}:{}", from.text(), from.port()), s.options.idle_timeout),
      peer(from.text()) {}

// ---- the connection's life

task<void> server_exchange::impl::run(server_shared& shared, loop& home, int fd, address from) {
    {
        impl connection(shared, home, from);
        if (connection.stream.adopt(fd, from.family())) {
            if (from.loopback()) tune_socket(fd, true);
            auto& live = shared.live[home.index()];
            live.insert(&connection.stream);
            try {
                co_await connection.serve();
            } catch (const std::exception& e) {
                log::warning("a request from {} failed: {}", connection.peer, e.what());
                connection.stream.reset();
            }
            live.erase(&connection.stream);
        }
    }
    shared.closed();
}

task<void> server_exchange::impl::serve() {
    if (shared.tls) {
        auto session = shared.tls->accept();
        if (!session) co_return;
        until soon{shared.ending.token(),
                   steady::now() +
                       std::min<steady::duration>(shared.options.idle_timeout, std::chrono::seconds(30))};
        auto ok = co_await stream.start_tls(std::move(*session), soon);
        if (!ok) {
            log::debug("{}", ok.error().message());
            co_return;
        }
    }
    while (co_await read_request()) {
        if (!co_await one_request()) co_return;
    }
}

task<bool> server_exchange::impl::read_request() {
    // Idle or slow to send a head: the same patience for both, so that nobody holds a connection by
    // trickling.
    const until u{shared.ending.token(), steady::now() + shared.options.idle_timeout};
    std::size_t scanned = 0;
    for (;;) {
        // Empty lines before a request are tolerated (RFC 9112 section 2.2).
        while (input_.view().substr(0, 2) == "\r\n") {
            input_.consume(2);
            scanned = 0;
        }
        const std::size_t size = find_head(input_.view(), scanned);
        if (size > shared.options.max_head) {
            co_await refuse(431, "the head is too large");
            co_return false;
        }
        if (size != 0) {
            const auto problem = parse_request(input_.view().substr(0, size), request, facts_);
            input_.consume(size);
            if (!problem) co_return true;
            co_await refuse(problem.status, problem.reason);
            co_return false;
        }
        const auto room = input_.room(shared.options.max_head);
        if (room.empty()) {
            co_await refuse(431, "the head is too large");
            co_return false;
        }
        auto got = co_await stream.read_some(room, u, true);
        if (!got || *got == 0) co_return false;
        input_.added(*got);
    }
}

task<bool> server_exchange::impl::one_request() {
    shared.stats.requests.fetch_add(1, std::memory_order_relaxed);
    aborted = begun = chunked_ = chunk_open_ = finished_ = false;
    left_ = 0;
    head_only_ = request.method == "HEAD";
    keep_ = facts_.persistent();
    if (request.chunked) {
        input_body.start_chunked();
    } else {
        input_body.start_length(request.content_length.value_or(0));
    }
    expects_continue_ = facts_.expect_continue && facts_.minor_version >= 1 && !input_body.finished();

    server_exchange exchange;
    exchange.impl_ = this;
    std::string failure;
    try {
        co_await shared.handle(exchange);
    } catch (const std::exception& e) {
        failure = e.what();
    }
    if (!failure.empty())
        log::warning("{} {} from {} failed: {}", request.method, request.target, peer, failure);
    if (aborted || !stream.is_open()) co_return false;
    if (!begun) {
        const fields none;
        co_await respond(500, none, body::none(), {});
    }
    if (!finished_) {
        // The answer's length is already promised: only an abrupt end tells the client that it is not whole.
        stream.reset();
        co_return false;
    }
    if (keep_ && !input_body.finished()) {
        const until soon{shared.ending.token(), steady::now() + drain_time};
        std::vector<std::byte> scratch(64 * 1024);
        while (!input_body.finished() && input_body.delivered() <= most_drained) {
            auto got = co_await input_body.read(stream, input_, scratch, false, soon);
            if (!got) co_return false;
        }
    }
    if (keep_ && input_body.finished()) co_return true;
    co_await linger();
    co_return false;
}

// A socket closed with unread input resets the connection, and the client might never see the answer.
task<void> server_exchange::impl::linger() {
    if (!stream.is_open()) co_return;
    stream.end_writing();
    const until soon{shared.ending.token(), steady::now() + linger_time};
    (void)co_await stream.discard(most_lingered, soon);
}

task<void> server_exchange::impl::refuse(int status, std::string_view reason) {
    log::debug("refused a request from {}: {}", peer, reason);
    head_only_ = false;
    input_body.start_none();
    begun = false;
    keep_ = false;
    fields f;
    f.add("Content-Type", "text/plain");
    const std::string text = fmt::format("{}\n", reason);
    const until soon{shared.ending.token(), steady::now() + linger_time};
    if (co_await respond(status, f, body::text(text), soon)) co_await linger();
}

// ---- the request's body

task<result<std::size_t>> server_exchange::impl::read(std::span<std::byte> into, bool fill, until u) {
    if (expects_continue_) {
        expects_continue_ = false;
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        gather what;
        what.add(go_on.data(), go_on.size());
        if (!begun && input_.empty()) {
            if (auto ok = co_await stream.write(what, u); !ok) co_return ok.error();
        }
    }
    auto got = co_await input_body.read(stream, input_, into, fill, u);
    if (!got) keep_ = false;
    co_return got;
}

// ---- the answer

void server_exchange::impl::compose(int status, const fields& f, std::optional<std::uint64_t> length,
                                    bool with_body, bool chunked) {
    head_.clear();
    head_.append("HTTP/1.1 ");
    append_number(head_, static_cast<std::uint64_t>(status));
    head_.append(" ").append(phrase(status)).append("\r\n");
    if (!f.has("Server")) head_.append("Server: ").append(shared.options.server_name).append("\r\n");
    if (!f.has("Date")) head_.append(date_line());
    head_.append(f.wire());
    if (chunked) {
        head_.append("Transfer-Encoding: chunked\r\n");
    } else if (with_body && length && !f.has("Content-Length")) {
        head_.append("Content-Length: ");
        append_number(head_, *length);
        head_.append("\r\n");
    }
    if (!keep_) {
        head_.append("Connection: close\r\n");
    } else if (facts_.minor_version == 0) {
        head_.append("Connection: keep-alive\r\n");
    }
    head_.append("\r\n");
}

void server_exchange::impl::start_answer() {
    begun = true;
    if (shared.ending.requested()) keep_ = false;
    // A client that waits for "100 Continue" may or may not send its body now: that cannot be told apart.
    if (expects_continue_) keep_ = false;
    if (const auto left = input_body.left(); left && *left > most_drained) keep_ = false;
}

task<result<void>> server_exchange::impl::send(gather what, const body& b, bool more, until u) {
    const bool from_file = b.from == body::source::file && b.length != 0;
    auto ok = co_await stream.write(what, u, more || from_file);
    if (ok && from_file) ok = co_await stream.write_file(b.fd, b.offset, b.length, u);
    if (!ok) keep_ = false;
    co_return ok;
}

task<result<void>> server_exchange::impl::respond(int status, const fields& f, const body& b, until u) {
    if (begun) co_return error(kind::internal, "a request was answered twice");
    start_answer();
    const bool allowed = may_have_body(status);
    std::optional<std::uint64_t> length = b.length;
    if (head_only_ && b.length == 0) length.reset();
    compose(status, f, length, allowed, false);
    gather what;
    what.add(head_.data(), head_.size());
    const bool with_body = allowed && !head_only_;
    if (with_body && b.from == body::source::memory) what.add(b.bytes.data(), b.bytes.size());
    const body nothing;
    auto ok = co_await send(what, with_body ? b : nothing, false, std::move(u));
    finished_ = ok.has_value();
    co_return ok;
}

task<result<void>> server_exchange::impl::begin(int status, const fields& f,
                                                std::optional<std::uint64_t> length, until u) {
    if (begun) co_return error(kind::internal, "a request was answered twice");
    start_answer();
    const bool allowed = may_have_body(status);
    // HTTP/1.0 knows no chunks: the end of the connection ends the answer.
    chunked_ = allowed && !length && facts_.minor_version >= 1;
    if (allowed && !length && !chunked_) keep_ = false;
    left_ = allowed ? length.value_or(0) : 0;
    compose(status, f, length, allowed, chunked_);
    gather what;
    what.add(head_.data(), head_.size());
    const body nothing;
    // Held back by the kernel for at most 200 ms; with TLS there is no such thing.
    const bool more = !stream.is_tls() && !head_only_ && (chunked_ || left_ != 0);
    co_return co_await send(what, nothing, more, std::move(u));
}

task<result<void>> server_exchange::impl::write(const body& b, until u) {
    if (!begun || finished_)
        co_return error(kind::internal, "an answer is written outside of begin and finish");
    if (head_only_ || b.length == 0) co_return result<void>();
    gather what;
    if (chunked_) {
        head_.assign(chunk_open_ ? "\r\n" : "");
        append_number(head_, b.length, 16);
        head_.append("\r\n");
        chunk_open_ = true;
        what.add(head_.data(), head_.size());
    } else if (facts_.minor_version >= 1 || keep_ || left_ != 0) {
        if (b.length > left_) co_return error(kind::internal, "an answer is longer than its Content-Length");
        left_ -= b.length;
    }
    if (b.from == body::source::memory) what.add(b.bytes.data(), b.bytes.size());
    co_return co_await send(what, b, false, std::move(u));
}

task<result<void>> server_exchange::impl::finish(until u) {
    if (!begun || finished_)
        co_return error(kind::internal, "an answer is finished twice or before it began");
    if (!head_only_ && left_ != 0)
        co_return error(kind::internal, "an answer is shorter than its Content-Length");
    if (chunked_ && !head_only_) {
        head_.assign(chunk_open_ ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
        gather what;
        what.add(head_.data(), head_.size());
        const body nothing;
        if (auto ok = co_await send(what, nothing, false, std::move(u)); !ok) co_return ok.error();
    }
    finished_ = true;
    co_return result<void>();
}

// ---- the handler's view

const server_exchange::head& server_exchange::request() const { return impl_->request; }
const std::string& server_exchange::peer() const { return impl_->peer; }
bool server_exchange::tls() const { return impl_->stream.is_tls(); }
bool server_exchange::responded() const { return impl_->begun; }

void server_exchange::abort() {
    impl_->aborted = true;
    impl_->stream.reset();
}

task<result<std::size_t>> server_exchange::read(std::span<std::byte> into, until u) {
    return impl_->read(into, true, std::move(u));
}

task<result<std::size_t>> server_exchange::read_some(std::span<std::byte> into, until u) {
    return impl_->read(into, false, std::move(u));
}

task<result<std::string>> server_exchange::read_all(std::size_t cap, until u) {
    std::string text;
    const auto too_long = [cap] {
        return error(kind::protocol,
                     fmt::format("a request's body is longer than the {} bytes it may have", cap));
    };
    while (!impl_->input_body.finished()) {
        const auto expected = impl_->input_body.left();
        if (text.size() > cap || (expected && *expected > cap - text.size())) co_return too_long();
        const std::size_t have = text.size();
        const std::size_t step =
            expected ? static_cast<std::size_t>(*expected) : std::max<std::size_t>(64 * 1024, have);
        // One byte more than allowed shows that there is too much.
        text.resize(have + std::min(step, cap - have + 1));
        auto got = co_await impl_->read(
            std::as_writable_bytes(std::span(text.data() + have, text.size() - have)), true, u);
        if (!got) co_return got.error();
        text.resize(have + *got);
    }
    if (text.size() > cap) co_return too_long();
    co_return text;
}

task<result<void>> server_exchange::respond(int status, const fields& f, const body& b, until u) {
    return impl_->respond(status, f, b, std::move(u));
}

task<result<void>> server_exchange::begin(int status, const fields& f, std::optional<std::uint64_t> length,
                                          until u) {
    return impl_->begin(status, f, length, std::move(u));
}

task<result<void>> server_exchange::write(const body& piece, until u) {
    return impl_->write(piece, std::move(u));
}
task<result<void>> server_exchange::finish(until u) { return impl_->finish(std::move(u)); }

}  // namespace act::http
