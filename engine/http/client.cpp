#include "engine/http/client.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

#include "engine/http/client_impl.hpp"

namespace act::http {

namespace {

constexpr std::size_t max_head = 64 * 1024;
// A rest of a body up to this is read and dropped to keep the connection, if it is there already.
constexpr std::uint64_t small_rest = 64 * 1024;
// Bodies larger than this may be refused before they have been sent.
constexpr std::uint64_t watched_body = 64 * 1024;
constexpr std::size_t spare_exchanges = 128;

bool sendable_target(std::string_view target) {
    return std::none_of(target.begin(), target.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte == 0x7f;
    });
}

result<void> compose(std::string& out, const request& r, const body& b, const detail::connection& c) {
    if (!sendable_target(r.target)) return error(kind::internal, "a request target is not encoded");
    out.clear();
    out.append(to_string(r.method)).push_back(' ');
    out.append(c.target_prefix);
    if (r.target.empty() || r.target.front() != '/') {
        if (r.target != "*") out.push_back('/');
    }
    out.append(r.target).append(" HTTP/1.1\r\n");
    if (!r.headers.has("Host")) out.append(c.host_line);
    if (!r.headers.has("User-Agent")) out.append(c.agent_line);
    out.append(c.proxy_line);
    out.append(r.headers.wire());
    if (r.headers.has("Content-Length")) {
        if (parse_number(r.headers.get("Content-Length")) != b.length) {
            return error(kind::internal, "a request's Content-Length differs from its body");
        }
    } else if (b.length != 0 || r.method == verb::put || r.method == verb::post || r.method == verb::patch) {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, b.length).ptr;
        out.append("Content-Length: ").append(digits, end).append("\r\n");
    }
    out.append("\r\n");
    return {};
}

}  // namespace

// ---- exchange

std::vector<std::unique_ptr<exchange::impl>>& exchange::impl::spares() {
    thread_local std::vector<std::unique_ptr<impl>> kept;
    return kept;
}

std::unique_ptr<exchange::impl> exchange::impl::fresh() {
    auto& kept = spares();
    if (kept.empty()) return std::make_unique<impl>();
    auto taken = std::move(kept.back());
    kept.pop_back();
    return taken;
}

void exchange::impl::release() {
    if (!connection) return;
    if (!body.finished() && persistent) {
        const auto left = body.left();
        if (!left || *left <= small_rest) {
            std::byte scratch[4096];
            body.read_now(connection->stream, connection->input, scratch);
        }
    }
    const bool reusable = persistent && body.finished() && connection->input.empty();
    pool->release(std::move(connection), reusable);
    land();
}

void exchange::impl::land() {
    if (!under_way) return;
    under_way.received(body.delivered());
    under_way.end();
}

void exchange::impl::retire(std::unique_ptr<impl> gone) {
    if (!gone) return;
    if (gone->connection && loop::current_or_null() != &gone->pool->home()) {
        loop& home = gone->pool->home();
        // Whoever admits requests may be gone by then.
        gone->land();
        // std::function copies: a shared pointer carries it.
        home.post([kept = std::shared_ptr<impl>(std::move(gone))] { kept->release(); });
        return;
    }
    gone->release();
    gone->pool.reset();
    auto& kept = spares();
    if (loop::current_or_null() && kept.size() < spare_exchanges) kept.push_back(std::move(gone));
}

exchange::exchange(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
exchange::exchange(exchange&&) noexcept = default;

exchange& exchange::operator=(exchange&& other) noexcept {
    if (this != &other) {
        impl::retire(std::move(impl_));
        impl_ = std::move(other.impl_);
    }
    return *this;
}

exchange::~exchange() { impl::retire(std::move(impl_)); }

const response_head& exchange::head() const { return impl_->head; }
bool exchange::finished() const { return impl_->body.finished(); }

task<result<std::size_t>> exchange::impl::read(std::span<std::byte> into, bool fill, const until& u) {
    if (body.finished() || !connection) co_return std::size_t(0);
    const auto before = body.delivered();
    auto got = co_await body.read(connection->stream, connection->input, into, fill, u);
    pool->shared().stats.body_bytes_received.fetch_add(body.delivered() - before, std::memory_order_relaxed);
    if (!got) persistent = false;
    if (body.finished()) release();
    co_return got;
}

task<result<std::size_t>> exchange::read(std::span<std::byte> into, until u) {
    co_return co_await impl_->read(into, true, u);
}

task<result<std::size_t>> exchange::read_some(std::span<std::byte> into, until u) {
    co_return co_await impl_->read(into, false, u);
}

task<result<std::string>> exchange::read_all(std::size_t cap, until u) {
    std::string text;
    constexpr std::size_t step = 64 * 1024;
    const auto expected = impl_->body.left();
    while (!finished()) {
        const std::size_t have = text.size();
        if ((expected && *expected > cap) || have > cap) {
            co_return error(kind::protocol,
                            fmt::format("an answer is longer than the {} bytes it may have", cap));
        }
        // One byte more than allowed shows that there is too much.
        const std::size_t room = expected ? static_cast<std::size_t>(*expected) - have : std::max(step, have);
        text.resize(have + std::min(room, cap + 1 - have));
        auto got = co_await impl_->read(
            std::as_writable_bytes(std::span(text.data() + have, text.size() - have)), true, u);
        if (!got) co_return got.error();
        text.resize(have + *got);
        if (*got == 0) break;
    }
    if (text.size() > cap) {
        co_return error(kind::protocol,
                        fmt::format("an answer is longer than the {} bytes it may have", cap));
    }
    co_return text;
}

// ---- client

client::impl::impl(runtime& r, client_options o) : shared(r, std::move(o)) {
    for (unsigned i = 0; i < r.size(); ++i) pools.push_back(std::make_shared<loop_pool>(r.at(i), shared));
}

client::client(runtime& r, client_options o) : impl_(std::make_unique<impl>(r, std::move(o))) {}
client::~client() = default;
const counters& client::stats() const { return impl_->shared.stats; }
counters& client::stats() { return impl_->shared.stats; }
const client_options& client::options() const { return impl_->shared.options; }

namespace {
task<void> close_pool(std::shared_ptr<loop_pool> pool) {
    pool->close_idle();
    co_return;
}
}  // namespace

task<void> client::close() {
    task_group closing;
    for (auto& pool : impl_->pools) closing.spawn(pool->home(), close_pool(pool));
    co_await closing.join();
}

task<result<exchange>> client::send(const endpoint& to, const request& r, const body& b, until u) {
    attempt only;
    co_return co_await impl_->send(to, r, b, std::move(u), only);
}

task<result<exchange>> client::impl::send(const endpoint& to, const request& r, const body& b, until u,
                                          attempt& report) {
    loop& here = loop::current();
    auto& pool = pools.at(here.index());
    if (&pool->home() != &here) throw std::logic_error("an http client is used on a loop of another runtime");
    auto made = exchange::impl::fresh();
    made->pool = pool;
    shared.stats.requests.fetch_add(1, std::memory_order_relaxed);
    for (;;) {
        auto lease = co_await pool->acquire(to, u, report);
        if (!lease) co_return lease.error();
        made->connection = std::move(*lease);
        made->persistent = false;
        const until one = report.allowed ? u.within(*report.allowed) : u;
        auto outcome = co_await converse(*made, r, b, one);
        if (outcome && *outcome == verdict::answered) {
            if (made->head.status == 407 && made->connection->via) {
                const auto refused =
                    made->connection->via->refusal(407, made->head.reason, to.host_and_port());
                pool->release(std::move(made->connection), false);
                co_return refused;
            }
            if (made->body.finished()) made->release();
            co_return exchange(std::move(made));
        }
        const bool again = outcome && made->connection->reused;
        const std::string peer = made->connection->stream.peer();
        pool->release(std::move(made->connection), false);
        // The server had closed a kept connection before it saw the request: the same again on another one.
        if (again) {
            report.resent = true;
            continue;
        }
        if (outcome) co_return error(kind::unavailable, peer + " closed the connection without an answer");
        co_return outcome.error();
    }
}

task<result<client::impl::verdict>> client::impl::converse(exchange::impl& x, const request& r, const body& b,
                                                           const until& u) {
    detail::connection& c = *x.connection;
    if (auto ok = compose(c.head, r, b, c); !ok) co_return ok.error();
    const bool from_file = b.from == body::source::file && b.length != 0;
    gather what;
    what.add(c.head.data(), c.head.size());
    if (b.from == body::source::memory) what.add(b.bytes.data(), b.bytes.size());
    c.stream.watch_for_answer(b.length > watched_body);
    auto sent = co_await c.stream.write(what, u, from_file);
    if (sent && from_file) sent = co_await c.stream.write_file(b.fd, b.offset, b.length, u);
    c.stream.watch_for_answer(false);
    if (sent) {
        if (b.length != 0) shared.stats.body_bytes_sent.fetch_add(b.length, std::memory_order_relaxed);
    } else if (!c.stream.peer_gone() && !c.stream.answered_early()) {
        co_return sent.error();
    }
    // A server that refuses a body may answer and close before it has read it all: the answer is what counts.
    auto answered = co_await read_head(x, u);
    if (!answered) co_return sent ? answered.error() : sent.error();
    if (*answered == verdict::closed_silently) {
        if (!sent && !c.reused) co_return sent.error();
        co_return *answered;
    }
    const int status = x.head.status;
    x.persistent = sent && x.facts.persistent();
    if (r.method == verb::head || status == 204 || status == 304) {
        x.body.start_none();
    } else if (x.facts.chunked) {
        x.body.start_chunked();
    } else if (x.facts.content_length) {
        x.body.start_length(*x.facts.content_length);
    } else {
        x.body.start_until_close();
        x.persistent = false;
    }
    co_return verdict::answered;
}

task<result<client::impl::verdict>> client::impl::read_head(exchange::impl& x, const until& u) {
    detail::connection& c = *x.connection;
    std::size_t scanned = 0;
    bool silent = c.input.empty();
    for (;;) {
        const std::size_t size = find_head(c.input.view(), scanned);
        if (size == 0) {
            const auto room = c.input.room(max_head);
            if (room.empty()) {
                co_return error(kind::protocol,
                                fmt::format("{} sent a head of more than 64 KiB", c.stream.peer()));
            }
            auto got = co_await c.stream.read_some(room, u, true);
            if (silent && c.stream.peer_gone() && (!got || *got == 0)) co_return verdict::closed_silently;
            if (!got) co_return got.error();
            if (*got == 0) {
                co_return error(kind::unavailable,
                                fmt::format("{} closed the connection within a head", c.stream.peer()));
            }
            silent = false;
            c.input.added(*got);
            continue;
        }
        const auto problem = parse_response(c.input.view().substr(0, size), x.head, x.facts);
        c.input.consume(size);
        scanned = 0;
        if (problem) {
            co_return error(kind::protocol,
                            fmt::format("{} sent a malformed answer: {}", c.stream.peer(), problem.reason));
        }
        if (x.head.status == 101) {
            co_return error(kind::protocol, fmt::format("{} switched protocols unasked", c.stream.peer()));
        }
        if (x.head.status >= 200) co_return verdict::answered;
    }
}

}  // namespace act::http
