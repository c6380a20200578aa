#pragma once

#include <memory>
#include <span>
#include <string>
#include <sys/uio.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "engine/async/loop.hpp"
#include "engine/http/address.hpp"
#include "engine/http/tls.hpp"

namespace act::http {

/// Up to three pieces that are sent as one.
struct gather {
    iovec pieces[3];
    std::size_t count = 0;

    void add(const void* data, std::size_t size) {
        if (size != 0) pieces[count++] = {const_cast<void*>(data), size};
    }
    std::size_t size() const {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < count; ++i) sum += pieces[i].iov_len;
        return sum;
    }
    void drop(std::size_t bytes);
};

/// A connected TCP socket, with TLS on it or not. Every call tries the system call first and waits only when
/// it would block; waits end on stop, deadline, or when nothing moved for the idle time. One coroutine at a
/// time, on one loop. `until` arguments must outlive the call (they live in the caller's frame).
class stream {
public:
    using socket_type =
        boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

    /// `peer` is what messages call the other end.
    stream(loop& home, std::string peer, steady::duration idle);
    ~stream();

    task<result<void>> connect(const address&, const until&);
    /// Takes over an accepted, non-blocking socket.
    result<void> adopt(int fd, int family);
    /// Performs the handshake. A refused certificate is kind::configuration.
    task<result<void>> start_tls(std::unique_ptr<tls_session>, const until&);

    /// At least one byte, or 0 at the end of the stream. `patient`: expect to wait, so do not try first.
    task<result<std::size_t>> read_some(std::span<std::byte> into, const until&, bool patient = false);
    /// Drops what comes (undecrypted), up to `most` bytes or the end of the stream.
    task<result<void>> discard(std::uint64_t most, const until&);
    /// All of it. `more`: something follows at once, so a part-filled packet may be held back.
    task<result<void>> write(gather, const until&, bool more = false);
    task<result<void>> write_file(int fd, std::uint64_t offset, std::uint64_t length, const until&);

    /// As read_some, but never waits: 0 when nothing is there or the stream has ended.
    std::size_t read_now(std::span<std::byte> into);
    /// True when nothing has arrived, so that an idle connection may be used again.
    bool quiet();

    /// Write waits end with an error as soon as the peer sends something: it answered early.
    void watch_for_answer(bool on) { watch_ = on; }
    bool answered_early() const { return answered_early_; }
    /// The peer closed or reset the connection (rather than a wait having ended).
    bool peer_gone() const { return peer_gone_; }
    /// The end of the stream was announced, not cut (always true without TLS).
    bool clean_end() const { return !tls_ || tls_->closed_by_peer(); }
    bool is_tls() const { return tls_ != nullptr; }
    bool resumed() const { return tls_ && tls_->resumed(); }
    bool is_open() const { return socket_.is_open(); }
    const std::string& peer() const { return peer_; }
    void set_peer(std::string name) { peer_ = std::move(name); }
    loop& home() const { return home_; }

    /// Says good-bye (TLS) without waiting, and closes.
    void close();
    /// Nothing more will be sent; reading goes on.
    void end_writing();
    /// Closes so that the peer sees a reset.
    void reset();
    /// Makes all waits end with an error, from the loop's thread. The socket is closed by its owner.
    void interrupt();

private:
    enum class direction { reading, writing };
    task<result<void>> wait(direction, const until&);
    task<result<std::size_t>> receive(std::span<std::byte> into, const until&);
    task<result<std::size_t>> recv_some(std::span<std::byte> into, const until&, bool patient);
    task<result<std::size_t>> read_tls(std::span<std::byte> into, const until&, bool patient);
    task<result<void>> flush_tls(const until&);
    task<result<std::span<std::byte>>> fetch_raw(std::size_t want, const until&, bool patient = false);
    /// Memory of the thread, used between two system calls only, never across a wait.
    static std::span<std::byte> scratch();
    bool tired(std::size_t moved);
    task<void> breathe();
    bool something_arrived();
    void give_up_writing();
    until limited(const until&) const;
    error ended(const result<void>& outcome, const until&) const;
    error failed(int number, std::string_view doing);

    loop& home_;
    socket_type socket_;
    std::unique_ptr<tls_session> tls_;
    std::string peer_;
    steady::duration idle_;
    std::size_t since_wait_ = 0;
    bool watch_ = false;
    bool answered_early_ = false;
    bool peer_gone_ = false;
    bool write_broken_ = false;
};

}  // namespace act::http
