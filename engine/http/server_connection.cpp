#include <algorithm>

#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/http/server_impl.hpp"

namespace act::http {

namespace {

constexpr std::uint64_t most_lingered = 32 * 1024 * 1024;
constexpr auto drain_time = std::chrono::seconds(10);
constexpr auto linger_time = std::chrono::seconds(2);

}  // namespace

server_exchange::impl::impl(server_shared& s, loop& home, const address& from)
    : shared(s),
      stream(home, fmt::format("{}:{}", from.text(), from.port()), s.options.idle_timeout),
      peer(from.text()),
      link_(s.options.link ? s.options.link() : nullptr) {}

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
    left_ = counted_ = 0;
    if (link_) received_ = steady::now();
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
            auto got = co_await read(scratch, false, soon);
            if (!got) co_return false;
        }
        count_input();
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
    if (link_) co_return co_await read_paced(into, fill, u);
    auto got = co_await input_body.read(stream, input_, into, fill, u);
    if (!got) keep_ = false;
    co_return got;
}

task<result<std::size_t>> server_exchange::impl::read_paced(std::span<std::byte> into, bool fill,
                                                            const until& u) {
    std::size_t done = 0;
    while (done < into.size() && !input_body.finished()) {
        const auto part = into.subspan(done, std::min(into.size() - done, link_->slice()));
        auto got = co_await input_body.read(stream, input_, part, fill, u);
        if (got) {
            done += *got;
            if (auto carried = co_await link_->carry(*got, u); !carried) got = carried.error();
        }
        if (!got) {
            keep_ = false;
            co_return got;
        }
        if (!fill && done != 0) break;
    }
    if (input_body.finished()) received_ = steady::now();
    co_return done;
}

void server_exchange::impl::count_input() {
    const auto more = input_body.delivered() - std::exchange(counted_, input_body.delivered());
    if (more != 0) shared.stats.bytes_in.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace act::http
