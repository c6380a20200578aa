#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <sys/types.h>

#include "engine/async/stop.hpp"
#include "engine/file/file.hpp"

/// Descriptors that are read and written in order: pipes, terminals, sockets, and files too. The calls block
/// the thread (runtime::blocking), but look at the stop signal ten times a second, however long the other end
/// sleeps. The descriptors stay the caller's and keep their flags, which other processes share.
namespace act::file {

class stream_reader {
public:
    /// `name` is for messages: "standard input".
    stream_reader(int fd, std::string name);
    /// At least one byte, or 0 at the end. kind::io when it cannot be read, kind::stopped.
    result<std::size_t> read_some(std::span<std::byte>, const until&);

private:
    int fd_;
    std::string name_;
};

class stream_writer {
public:
    stream_writer(int fd, std::string name);
    /// Writes all of it; false when nobody reads any more (EPIPE; the process must survive SIGPIPE).
    result<bool> write_all(std::span<const std::byte>, const until&);

private:
    ssize_t write_some(std::span<const std::byte>);  ///< as write(2)

    int fd_;
    std::string name_;
    descriptor own_;  ///< the same pipe or terminal, opened again so that it can be written without waiting
    bool socket_ = false;
    bool may_wait_ = false;  ///< no such descriptor: after poll() a write of up to PIPE_BUF does not wait
};

}  // namespace act::file
