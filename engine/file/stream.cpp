#include "engine/file/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

namespace act::file {

namespace {

constexpr int look_every_ms = 100;
constexpr int roomy_pipe = 1 << 20;  // what the system allows everybody

/// Fewer wake-ups of both ends. What is not a pipe, and a limit set lower, are no matter.
void widen(int fd) { (void)::fcntl(fd, F_SETPIPE_SZ, roomy_pipe); }

/// Until the descriptor can be read or written (or has failed, which the call itself will tell).
result<void> wait_for(int fd, short events, const until& u) {
    if (fd < 0) return error::from_errno(EBADF, "cannot wait for a stream");  // poll() would pass it over
    for (;;) {
        ACT_TRY_VOID(u.check());
        pollfd one{fd, events, 0};
        const int ready = ::poll(&one, 1, look_every_ms);
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return error::from_errno(errno, "cannot wait for a stream");
    }
}

}  // namespace

stream_reader::stream_reader(int fd, std::string name) : fd_(fd), name_(std::move(name)) { widen(fd); }

result<std::size_t> stream_reader::read_some(std::span<std::byte> into, const until& u) {
    for (;;) {
        ACT_TRY_VOID(wait_for(fd_, POLLIN, u));
        const ssize_t n = ::read(fd_, into.data(), into.size());
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR && errno != EAGAIN) return error::from_errno(errno, "cannot read " + name_);
    }
}

stream_writer::stream_writer(int fd, std::string name) : fd_(fd), name_(std::move(name)) {
    widen(fd);
    struct stat s {};
    if (::fstat(fd, &s) != 0) return;
    socket_ = S_ISSOCK(s.st_mode);
    if (!S_ISFIFO(s.st_mode) && !(S_ISCHR(s.st_mode) && ::isatty(fd))) return;
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    own_ = descriptor(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    may_wait_ = !own_;
}

ssize_t stream_writer::write_some(std::span<const std::byte> bytes) {
    if (socket_) return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (may_wait_) bytes = bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF));
    return ::write(own_ ? own_.get() : fd_, bytes.data(), bytes.size());
}

result<bool> stream_writer::write_all(std::span<const std::byte> bytes, const until& u) {
    // No call gets a longer piece than this, so that a stop is seen soon on a slow disk too.
    constexpr std::size_t piece = 1 << 20;
    while (!bytes.empty()) {
        if (may_wait_) {
            ACT_TRY_VOID(wait_for(fd_, POLLOUT, u));
        } else {
            ACT_TRY_VOID(u.check());
        }
        const ssize_t n = write_some(bytes.first(std::min(piece, bytes.size())));
        const int reason = n < 0 ? errno : 0;
        if (n >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        } else if (reason == EPIPE || (socket_ && reason == ECONNRESET)) {
            return false;
        } else if (reason == EAGAIN) {
            ACT_TRY_VOID(wait_for(own_ ? own_.get() : fd_, POLLOUT, u));
        } else if (reason != EINTR) {
            return error::from_errno(reason, "cannot write to " + name_);
        }
    }
    return true;
}

}  // namespace act::file
