#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/sendfile.h>
#include <unistd.h>

#include "engine/http/stream.hpp"

namespace act::http {

namespace {

// What may move without a wait before other connections of the loop get their turn.
constexpr std::size_t breath = 16 * 1024 * 1024;

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

}  // namespace

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

std::span<std::byte> stream::scratch() {
    thread_local std::unique_ptr<std::byte[]> memory(new std::byte[tls_session::batch]);
    return {memory.get(), tls_session::batch};
}

// True when this connection has been served without a wait for long, so that others should have their turn.
bool stream::tired(std::size_t moved) {
    since_wait_ += moved;
    return since_wait_ >= breath;
}

// ---- reading

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

}  // namespace act::http
