#include "engine/http/stream.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

namespace act::http {

namespace asio = boost::asio;

namespace {

// What may move without a wait before other connections of the loop get their turn.
constexpr std::size_t breath = 16 * 1024 * 1024;
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

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

bool means_gone(int number) { return number == ECONNRESET || number == EPIPE || number == ENOTCONN; }

// One piece of scratch per thread: used only between two system calls, never across a wait.
std::span<std::byte> scratch() {
    static constexpr std::size_t size = tls_session::batch;
    thread_local std::unique_ptr<std::byte[]> memory(new std::byte[size]);
    return {memory.get(), size};
}

}  // namespace

bool address::loopback() const {
    if (family() == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
}

std::string address::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    if (family() == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, buffer,
                    sizeof buffer);
    } else {
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, buffer,
                    sizeof buffer);
    }
    return buffer;
}

std::uint16_t address::port() const {
    return ntohs(family() == AF_INET ? reinterpret_cast<const sockaddr_in*>(&storage)->sin_port
                                     : reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
}

void tune_socket(int fd, bool loopback) {
    // Failures leave a slower socket, not a broken one.
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (loopback) ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

void gather::drop(std::size_t bytes) {
    std::size_t i = 0;
    while (i < count && bytes >= pieces[i].iov_len) bytes -= pieces[i++].iov_len;
    if (i < count && bytes != 0) {
        pieces[i].iov_base = static_cast<char*>(pieces[i].iov_base) + bytes;
        pieces[i].iov_len -= bytes;
    }
    std::copy(pieces + i, pieces + count, pieces);
    count -= i;
}

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

// True when this connection has been served without a wait for long, so that others should have their turn.
bool stream::tired(std::size_t moved) {
    since_wait_ += moved;
    return since_wait_ >= breath;
}

task<void> stream::breathe() {
    since_wait_ = 0;
    auto start = [this](auto handler) {
        asio::post(home_.executor(), [h = std::move(handler)]() mutable { std::move(h)(); });
    };
    co_await asio::async_initiate<const asio::deferred_t, void()>(start, asio::deferred);
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

// ---- reading

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

task<result<std::size_t>> stream::recv_some(std::span<std::byte> into, const until& u, bool patient) {
    while (!patient) {
        const ssize_t n = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
        if (n >= 0) {
            if (n == 0) peer_gone_ = true;
            if (tired(static_cast<std::size_t>(n))) co_await breathe();
            co_return static_cast<std::size_t>(n);
        }
        if (would_block(errno)) break;
        if (errno != EINTR) co_return failed(errno, "read from");
    }
    co_return co_await receive(into, u);
}

task<result<std::size_t>> stream::read_some(std::span<std::byte> into, const until& u, bool patient) {
    if (into.empty()) co_return std::size_t(0);
    if (tls_) co_return co_await read_tls(into, u, patient);
    co_return co_await recv_some(into, u, patient);
}

task<result<std::size_t>> stream::read_tls(std::span<std::byte> into, const until& u, bool patient) {
    for (;;) {
        auto got = tls_->read(into);
        if (!got) co_return std::move(got).error().in(peer_);
        if (!tls_->output().empty()) {
            if (auto sent = co_await flush_tls(u); !sent) co_return sent.error();
        }
        if (*got != 0 || tls_->closed_by_peer()) {
            if (*got == 0) peer_gone_ = true;
            if (tired(*got)) co_await breathe();
            co_return *got;
        }
        // About as much ciphertext as fills `into`: what is fetched too early has to be copied aside.
        auto fetched = co_await fetch_raw(into.size() + into.size() / 128 + 512, u, patient);
        if (!fetched) co_return fetched.error();
        if (fetched->empty()) co_return std::size_t(0);
        tls_->feed(*fetched);
        got = tls_->read(into);
        tls_->settle();
        if (!got) co_return std::move(got).error().in(peer_);
        if (*got != 0) {
            if (tired(*got)) co_await breathe();
            co_return *got;
        }
    }
}

task<result<void>> stream::discard(std::uint64_t most, const until& u) {
    for (std::uint64_t sum = 0; sum < most;) {
        auto fetched = co_await fetch_raw(tls_session::batch, u);
        if (!fetched) co_return fetched.error();
        if (fetched->empty()) break;
        sum += fetched->size();
        if (tired(fetched->size())) co_await breathe();
    }
    co_return result<void>();
}

// Into the thread's scratch memory, which holds until the next wait; empty at the end of the stream.
task<result<std::span<std::byte>>> stream::fetch_raw(std::size_t want, const until& u, bool patient) {
    const auto room = scratch();
    want = std::clamp(want, std::size_t(4096), room.size());
    for (;;) {
        if (patient) {
            patient = false;
            if (auto waited = co_await wait(direction::reading, u); !waited) co_return waited.error();
        }
        const ssize_t n = ::recv(socket_.native_handle(), room.data(), want, 0);
        if (n >= 0) {
            if (n == 0) peer_gone_ = true;
            co_return room.first(static_cast<std::size_t>(n));
        }
        if (would_block(errno)) {
            patient = true;
        } else if (errno != EINTR) {
            co_return failed(errno, "read from");
        }
    }
}

std::size_t stream::read_now(std::span<std::byte> into) {
    if (!socket_.is_open() || into.empty()) return 0;
    if (!tls_) {
        const ssize_t n = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    auto got = tls_->read(into);
    if (!got || *got != 0) return got ? *got : 0;
    const auto room = scratch();
    const ssize_t n = ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (n <= 0) return 0;
    tls_->feed(room.first(static_cast<std::size_t>(n)));
    got = tls_->read(into);
    tls_->settle();
    return got ? *got : 0;
}

bool stream::something_arrived() {
    if (!tls_) {
        char byte;
        const ssize_t n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return n >= 0 || !(would_block(errno) || errno == EINTR);
    }
    // Session tickets come as records too: only plaintext counts.
    const auto room = scratch();
    const ssize_t n = ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    if (n < 0 && (would_block(errno) || errno == EINTR)) return tls_->readable();
    if (n <= 0) return true;
    tls_->feed(room.first(static_cast<std::size_t>(n)));
    const bool plaintext = tls_->readable();
    tls_->settle();
    return plaintext;
}

bool stream::quiet() { return socket_.is_open() && !something_arrived(); }

// ---- writing

task<result<void>> stream::write(gather what, const until& u, bool more) {
    if (!tls_) {
        const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
        while (what.count != 0) {
            msghdr message{};
            message.msg_iov = what.pieces;
            message.msg_iovlen = what.count;
            const ssize_t n = ::sendmsg(socket_.native_handle(), &message, flags);
            if (n >= 0) {
                what.drop(static_cast<std::size_t>(n));
                if (what.count != 0 && tired(static_cast<std::size_t>(n))) co_await breathe();
            } else if (would_block(errno)) {
                if (auto waited = co_await wait(direction::writing, u); !waited) co_return waited.error();
            } else if (errno != EINTR) {
                co_return failed(errno, "send to");
            }
        }
        co_return result<void>();
    }
    // A head and a small body share one record.
    if (what.count > 1) {
        constexpr std::size_t record = 16 * 1024;
        const auto room = scratch();
        std::size_t filled = 0;
        for (std::size_t i = 0; i < what.count && filled < record; ++i) {
            const std::size_t part = std::min(record - filled, what.pieces[i].iov_len);
            std::memcpy(room.data() + filled, what.pieces[i].iov_base, part);
            filled += part;
        }
        if (auto ok = tls_->write(room.data(), filled); !ok) co_return std::move(ok).error().in(peer_);
        what.drop(filled);
    }
    while (what.count != 0) {
        const std::size_t part = std::min(tls_session::batch, what.pieces[0].iov_len);
        if (auto ok = tls_->write(what.pieces[0].iov_base, part); !ok)
            co_return std::move(ok).error().in(peer_);
        what.drop(part);
        if (auto sent = co_await flush_tls(u); !sent) co_return sent.error();
        if (what.count != 0 && tired(part)) co_await breathe();
    }
    if (more) co_return result<void>();
    co_return co_await flush_tls(u);
}

task<result<void>> stream::flush_tls(const until& u) {
    auto& out = tls_->output();
    while (!out.empty()) {
        const auto bytes = out.view();
        const ssize_t n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n >= 0) {
            out.consume(static_cast<std::size_t>(n));
        } else if (would_block(errno)) {
            if (auto waited = co_await wait(direction::writing, u); !waited) co_return waited.error();
        } else if (errno != EINTR) {
            co_return failed(errno, "send to");
        }
    }
    co_return result<void>();
}

task<result<void>> stream::write_file(int fd, std::uint64_t offset, std::uint64_t length, const until& u) {
    while (length != 0) {
        ssize_t n = 0;
        if (!tls_) {
            auto at = static_cast<off_t>(offset);
            n = ::sendfile(socket_.native_handle(), fd, &at, std::min<std::uint64_t>(length, breath));
            if (n < 0 && would_block(errno)) {
                if (auto waited = co_await wait(direction::writing, u); !waited) co_return waited.error();
                continue;
            }
            if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) co_return failed(errno, "send to");
        } else {
            const auto room = scratch();
            n = ::pread(fd, room.data(), std::min<std::uint64_t>(length, room.size()),
                        static_cast<off_t>(offset));
            if (n > 0) {
                if (auto ok = tls_->write(room.data(), static_cast<std::size_t>(n)); !ok) {
                    co_return std::move(ok).error().in(peer_);
                }
                if (auto sent = co_await flush_tls(u); !sent) co_return sent.error();
            }
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) co_return error::from_errno(errno, "cannot read a file that is being sent");
        if (n == 0) {
            co_return error(kind::io, "a file became shorter while it was being sent",
                            "run the command again when nothing writes to the file");
        }
        offset += static_cast<std::uint64_t>(n);
        length -= static_cast<std::uint64_t>(n);
        if (tired(static_cast<std::size_t>(n))) co_await breathe();
    }
    co_return result<void>();
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
