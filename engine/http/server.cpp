#include "engine/http/server.hpp"

#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/deferred.hpp>
#include <fmt/format.h>

#include "engine/core/log.hpp"
#include "engine/http/resolve.hpp"
#include "engine/http/server_impl.hpp"

namespace act::http {

namespace asio = boost::asio;

namespace {

using acceptor_type = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

constexpr auto after_shortage = std::chrono::milliseconds(100);

class acceptor_wait final : public wait_node {
public:
    acceptor_wait(loop& l, until u, acceptor_type& a) : wait_node(l, std::move(u)), acceptor_(a) {}

protected:
    void cancel() override {
        boost::system::error_code ignored;
        acceptor_.cancel(ignored);
    }

private:
    acceptor_type& acceptor_;
};

result<address> parse_listen(const std::string& text) {
    const auto bad = [&] {
        return error(kind::configuration, "not an address to listen on: " + text,
                     "give it as 127.0.0.1:10000 or [::1]:10000; port 0 picks a free one");
    };
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return bad();
    std::string host = text.substr(0, colon);
    const auto port = parse_number(std::string_view(text).substr(colon + 1));
    if (!port || *port > 65535) return bad();
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    if (host == "*") host = "0.0.0.0";
    address out;
    if (!parse_address(host, static_cast<std::uint16_t>(*port), out)) return bad();
    return out;
}

result<int> listen_on(const address& where, const std::string& text) {
    const int fd = ::socket(where.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return error::from_errno(errno, "cannot open a socket");
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted sockets inherit both.
    tune_socket(fd, where.loopback());
    if (::bind(fd, where.get(), where.size) != 0 || ::listen(fd, 4096) != 0) {
        const int number = errno;
        ::close(fd);
        if (number == EADDRINUSE) {
            return error(kind::conflict, text + " is in use by another program",
                         "choose another port, or 0 for any");
        }
        auto failed = error::from_errno(number, "cannot listen on " + text);
        return error(kind::configuration, failed.message(),
                     "choose an address of this machine and a port above 1023");
    }
    return fd;
}

}  // namespace

// ---- counting connections

void server_shared::opened() {
    const auto now_open = stats.open.fetch_add(1) + 1;
    stats.accepted.fetch_add(1, std::memory_order_relaxed);
    auto peak = stats.peak.load(std::memory_order_relaxed);
    while (peak < now_open && !stats.peak.compare_exchange_weak(peak, now_open)) {
    }
}

void server_shared::closed() {
    std::lock_guard lock(mutex_);
    const auto left = stats.open.fetch_sub(1) - 1;
    if (wants_room_ && left < options.max_connections) std::exchange(wants_room_, nullptr)->set();
    if (wants_none_ && left == 0) std::exchange(wants_none_, nullptr)->set();
}

task<result<void>> server_shared::room(until u) {
    event freed;
    {
        std::lock_guard lock(mutex_);
        if (stats.open.load() < options.max_connections) co_return result<void>();
        wants_room_ = &freed;
    }
    auto waited = co_await freed.wait(std::move(u));
    std::lock_guard lock(mutex_);
    wants_room_ = nullptr;
    co_return waited;
}

task<bool> server_shared::emptied(steady::duration grace) {
    event none;
    {
        std::lock_guard lock(mutex_);
        if (stats.open.load() == 0) co_return true;
        wants_none_ = &none;
    }
    const until u;
    auto waited = co_await none.wait(u.within(grace));
    std::lock_guard lock(mutex_);
    wants_none_ = nullptr;
    co_return waited.has_value();
}

// ---- server

struct server::impl {
    impl(runtime& r, server_options o, handler h) : shared(r, std::move(o), std::move(h)) {}

    server_shared shared;
    address where;
    int listener = -1;
    bool started = false;
    unsigned next = 0;

    task<void> accept_all();
    task<result<void>> accept_ready(acceptor_type&, const until&);
    task<void> interrupt(loop& home);
};

task<result<void>> server::impl::accept_ready(acceptor_type& acceptor, const until& u) {
    boost::system::error_code code;
    acceptor_wait registration(loop::current(), u, acceptor);
    auto start = [&](auto handler) {
        acceptor.async_wait(acceptor_type::wait_read,
                            [h = std::move(handler), &code](boost::system::error_code e) mutable {
                                code = e;
                                std::move(h)();
                            });
    };
    co_await asio::async_initiate<const asio::deferred_t, void()>(start, asio::deferred);
    if (code) {
        if (auto why = registration.outcome(); !why) co_return why.error();
        co_return error(kind::io, "cannot wait for connections: " + code.message());
    }
    co_return result<void>();
}

task<void> server::impl::accept_all() {
    const until u{shared.ending.token(), steady::time_point::max()};
    acceptor_type acceptor(loop::current().executor());
    acceptor.assign(where.family() == AF_INET ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), listener);
    while (!shared.ending.requested()) {
        if (!co_await shared.room(u)) break;
        address from;
        from.size = sizeof from.storage;
        const int fd = ::accept4(listener, reinterpret_cast<sockaddr*>(&from.storage), &from.size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            shared.opened();
            loop& home = shared.owner.at(next++ % shared.owner.size());
            shared.connections.spawn(home, server_exchange::impl::run(shared, home, fd, from));
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!co_await accept_ready(acceptor, u)) break;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log::warning("cannot accept connections for now: {}",
                         error::from_errno(errno, "accept").message());
            if (!co_await sleep_for(after_shortage, u)) break;
        }
        // Anything else concerns the one connection that went away before it was accepted.
    }
}

task<void> server::impl::interrupt(loop& home) {
    for (stream* s : shared.live[home.index()]) s->interrupt();
    co_return;
}

server::server(runtime& r, server_options o, handler h)
    : impl_(std::make_unique<impl>(r, std::move(o), std::move(h))) {}

server::~server() = default;

result<void> server::start() {
    const auto& options = impl_->shared.options;
    ACT_TRY(const address wanted, parse_listen(options.listen));
    if (options.tls_certificate.empty() != options.tls_key.empty()) {
        return error(kind::configuration, "a TLS certificate and its key are needed together",
                     "give both files, or neither");
    }
    if (!options.tls_certificate.empty()) {
        ACT_TRY(impl_->shared.tls, tls_server_context::make(options.tls_certificate, options.tls_key));
    }
    ACT_TRY(impl_->listener, listen_on(wanted, options.listen));
    impl_->where.size = sizeof impl_->where.storage;
    ::getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&impl_->where.storage), &impl_->where.size);
    impl_->started = true;
    impl_->shared.connections.spawn(impl_->shared.owner.at(0), impl_->accept_all());
    return {};
}

std::uint16_t server::port() const { return impl_->where.port(); }

std::string server::url() const {
    std::string host = impl_->where.text();
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return fmt::format("{}://{}:{}", impl_->shared.tls ? "https" : "http", host, port());
}

task<void> server::stop(steady::duration grace) {
    impl_->shared.ending.request();
    if (!co_await impl_->shared.emptied(grace)) {
        runtime& owner = impl_->shared.owner;
        for (unsigned i = 0; i < owner.size(); ++i) {
            impl_->shared.connections.spawn(owner.at(i), impl_->interrupt(owner.at(i)));
        }
    }
    co_await impl_->shared.connections.join();
}

const server::statistics& server::stats() const { return impl_->shared.stats; }
void server::forget_peak() { impl_->shared.stats.peak.store(impl_->shared.stats.open.load()); }

}  // namespace act::http
