#include "engine/http/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <unistd.h>

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace act::http {

namespace asio = boost::asio;

namespace {

// How often a stalled sender looks whether the peer has already answered.
constexpr auto look_again = std::chrono::seconds(1);

class socket_wait final : public wait_node {
public:
    socket_wait(loop& l, until u, stream::socket_type& s) : wait_node(l, std::move(u)), socket_(s) {}

protected:
    void cancel() override {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }

private:
    stream::socket_type& socket_;
};

// sendfile has no MSG_NOSIGNAL. Blocking the signal on the loops' threads leaves the process's disposition,
// which children inherit, alone.
void block_sigpipe() {
    thread_local const bool done = [] {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        return true;
    }();
    (void)done;
}

bool means_gone(int number) { return number == ECONNRESET || number == EPIPE || number == ENOTCONN; }

}  // namespace

stream::stream(loop& home, std::string peer, steady::duration idle)
    : home_(home), socket_(home.executor()), peer_(std::move(peer)), idle_(idle) {
    block_sigpipe();
}

stream::~stream() { close(); }

// ---- waiting

until stream::limited(const until& u) const {
    until mine = u;
    const auto now = steady::now();
    if (idle_ < mine.deadline - now) mine.deadline = now + idle_;
    return mine;
}

error stream::ended(const result<void>& outcome, const until& u) const {
    if (outcome) return error(kind::unavailable, fmt::format("connection to {} was shut down", peer_));
    if (outcome.error().kind() != kind::timeout) return outcome.error();
    if (steady::now() >= u.deadline)
        return error(kind::timeout, fmt::format("{} did not answer in time", peer_));
    const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(idle_).count();
    return error(kind::timeout,
                 fmt::format("no byte to or from {} for {} s", peer_, static_cast<double>(idle) / 1000));
}

error stream::failed(int number, std::string_view doing) {
    if (means_gone(number)) {
        peer_gone_ = true;
        give_up_writing();
    }
    char text[128];
    return error(kind::unavailable,
                 fmt::format("cannot {} {}: {}", doing, peer_, ::strerror_r(number, text, sizeof text)));
}

// What the peer has sent can still be read, so half-sent records must not stand in the way.
void stream::give_up_writing() {
    write_broken_ = true;
    if (tls_) tls_->output().release();
}

task<result<void>> stream::wait(direction what, const until& u) {
    until limit = limited(u);
    const auto last = limit.deadline;
    for (;;) {
        const bool look = what == direction::writing && watch_;
        if (look && something_arrived()) {
            answered_early_ = true;
            give_up_writing();
            co_return error(kind::unavailable, fmt::format("{} answered before everything was sent", peer_));
        }
        if (look) limit.deadline = std::min(last, steady::now() + look_again);
        boost::system::error_code code;
        socket_wait registration(home_, limit, socket_);
        const auto type = what == direction::reading ? socket_type::wait_read : socket_type::wait_write;
        auto start = [this, type, &code](auto handler) {
            socket_.async_wait(type, [h = std::move(handler), &code](boost::system::error_code e) mutable {
                code = e;
                std::move(h)();
            });
        };
        co_await asio::async_initiate<const asio::deferred_t, void()>(start, asio::deferred);
        since_wait_ = 0;
        if (!code) co_return result<void>();
        const auto outcome = registration.outcome();
        const bool only_a_look =
            look && !outcome && outcome.error().kind() == kind::timeout && steady::now() < last;
        if (!only_a_look) co_return ended(outcome, u);
    }
}

task<void> stream::breathe() {
    since_wait_ = 0;
    auto start = [this](auto handler) {
        asio::post(home_.executor(), [h = std::move(handler)]() mutable { std::move(h)(); });
    };
    co_await asio::async_initiate<const asio::deferred_t, void()>(start, asio::deferred);
}

task<result<std::size_t>> stream::receive(std::span<std::byte> into, const until& u) {
    boost::system::error_code code;
    std::size_t count = 0;
    result<void> outcome;
    {
        socket_wait registration(home_, limited(u), socket_);
        auto start = [&](auto handler) {
            socket_.async_receive(
                asio::buffer(into.data(), into.size()),
                [h = std::move(handler), &code](boost::system::error_code e, std::size_t n) mutable {
                    code = e;
                    std::move(h)(n);
                });
        };
        count =
            co_await asio::async_initiate<const asio::deferred_t, void(std::size_t)>(start, asio::deferred);
        outcome = registration.outcome();
    }
    since_wait_ = 0;
    if (!code) co_return count;
    if (code == asio::error::eof) {
        peer_gone_ = true;
        co_return std::size_t(0);
    }
    if (code == asio::error::operation_aborted) co_return ended(outcome, u);
    co_return failed(code.value(), "read from");
}

// ---- opening and closing

task<result<void>> stream::connect(const address& to, const until& u) {
    const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return error::from_errno(errno, "cannot open a socket");
    if (auto ok = adopt(fd, to.family()); !ok) co_return ok.error();
    tune_socket(fd, to.loopback());
    if (::connect(fd, to.get(), to.size) == 0) co_return result<void>();
    if (errno != EINPROGRESS) co_return failed(errno, "connect to");
    if (auto waited = co_await wait(direction::writing, u); !waited) {
        if (waited.error().kind() != kind::timeout) co_return waited.error();
        co_return error(kind::timeout, fmt::format("cannot connect to {}: no answer in time", peer_));
    }
    int number = 0;
    socklen_t size = sizeof number;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
    if (number != 0) co_return failed(number, "connect to");
    co_return result<void>();
}

result<void> stream::adopt(int fd, int family) {
    boost::system::error_code code;
    socket_.assign(family == AF_INET ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), fd, code);
    if (!code) return {};
    ::close(fd);
    return error(kind::io, "cannot watch a socket: " + code.message());
}

void stream::close() {
    if (!socket_.is_open()) return;
    if (tls_ && !peer_gone_ && !write_broken_) {
        tls_->say_goodbye();
        const auto last = tls_->output().view();
        if (!last.empty()) (void)::send(socket_.native_handle(), last.data(), last.size(), MSG_NOSIGNAL);
    }
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void stream::end_writing() {
    if (!socket_.is_open()) return;
    if (tls_ && !write_broken_) {
        tls_->say_goodbye();
        const auto last = tls_->output().view();
        if (!last.empty()) (void)::send(socket_.native_handle(), last.data(), last.size(), MSG_NOSIGNAL);
        give_up_writing();
    }
    ::shutdown(socket_.native_handle(), SHUT_WR);
}

void stream::reset() {
    if (!socket_.is_open()) return;
    const linger abrupt{1, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
    peer_gone_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void stream::interrupt() {
    if (!socket_.is_open()) return;
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

// ---- TLS

task<result<void>> stream::start_tls(std::unique_ptr<tls_session> session, const until& u) {
    tls_ = std::move(session);
    for (;;) {
        const auto step = tls_->handshake();
        if (!tls_->output().empty()) {
            // After a failure this carries the alert that tells the peer why.
            auto sent = co_await flush_tls(u);
            if (!sent && step != tls_session::step::failed) co_return sent.error();
        }
        if (step == tls_session::step::done) co_return result<void>();
        if (step == tls_session::step::failed) {
            co_return error(tls_->untrusted() ? kind::configuration : kind::unavailable,
                            fmt::format("TLS with {} failed: {}", peer_, tls_->reason()));
        }
        auto fetched = co_await fetch_raw(16 * 1024, u);
        if (!fetched) co_return fetched.error();
        if (fetched->empty()) {
            co_return error(kind::unavailable,
                            fmt::format("{} closed the connection during the TLS handshake", peer_));
        }
        tls_->feed(*fetched);
        tls_->settle();
    }
}

}  // namespace act::http
