#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "engine/http/server_impl.hpp"

namespace act::http {

namespace {

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
    count_input();
    begun = true;
    if (shared.ending.requested()) keep_ = false;
    // A client that waits for "100 Continue" may or may not send its body now: that cannot be told apart.
    if (expects_continue_) keep_ = false;
    if (const auto left = input_body.left(); left && *left > most_drained) keep_ = false;
}

task<result<void>> server_exchange::impl::send(gather what, const body& b, bool more, until u) {
    if (link_ && b.length != 0) co_return co_await send_paced(what, b, u);
    if (b.length != 0) shared.stats.bytes_out.fetch_add(b.length, std::memory_order_relaxed);
    if (b.from == body::source::memory) what.add(b.bytes.data(), b.bytes.size());
    const bool from_file = b.from == body::source::file && b.length != 0;
    auto ok = co_await stream.write(what, u, more || from_file);
    if (ok && from_file) ok = co_await stream.write_file(b.fd, b.offset, b.length, u);
    if (!ok) keep_ = false;
    co_return ok;
}

task<result<void>> server_exchange::impl::send_paced(gather what, const body& b, const until& u) {
    auto ok = co_await stream.write(what, u, true);
    for (std::uint64_t at = 0; ok && at < b.length;) {
        const auto n = std::min<std::uint64_t>(link_->slice(), b.length - at);
        ok = co_await link_->carry(n, u);
        if (!ok) break;
        shared.stats.bytes_out.fetch_add(n, std::memory_order_relaxed);
        if (b.from == body::source::file) {
            ok = co_await stream.write_file(b.fd, b.offset + at, n, u);
        } else {
            gather piece;
            piece.add(b.bytes.data() + at, static_cast<std::size_t>(n));
            ok = co_await stream.write(piece, u);
        }
        at += n;
    }
    if (!ok) keep_ = false;
    co_return ok;
}

task<result<void>> server_exchange::impl::respond(int status, const fields& f, const body& b, until u) {
    if (begun) co_return error(kind::internal, "a request was answered twice");
    if (link_) ACT_CO_TRY_VOID(co_await link_->answer(received_, u));
    start_answer();
    const bool allowed = may_have_body(status);
    std::optional<std::uint64_t> length = b.length;
    if (head_only_ && b.length == 0) length.reset();
    compose(status, f, length, allowed, false);
    gather what;
    what.add(head_.data(), head_.size());
    const bool with_body = allowed && !head_only_;
    const body nothing;
    auto ok = co_await send(what, with_body ? b : nothing, false, std::move(u));
    finished_ = ok.has_value();
    co_return ok;
}

task<result<void>> server_exchange::impl::begin(int status, const fields& f,
                                                std::optional<std::uint64_t> length, until u) {
    if (begun) co_return error(kind::internal, "a request was answered twice");
    if (link_) ACT_CO_TRY_VOID(co_await link_->answer(received_, u));
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

void server_exchange::hang_up() {
    impl_->aborted = true;
    impl_->stream.close();
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
