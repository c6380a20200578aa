#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>

namespace act::http {

/// A numeric address and port.
struct address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const { return storage.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    bool loopback() const;
    /// Without the port: "127.0.0.1", "::1".
    std::string text() const;
    std::uint16_t port() const;
    void set_port(std::uint16_t);
};

/// "127.0.0.1" and "::1" without any look-up; false for names.
bool parse_address(const std::string& text, std::uint16_t port, address&);

/// No delay, and on loopback the congestion control that is fastest there (bbr paces, which costs a factor of
/// two).
void tune_socket(int fd, bool loopback);

}  // namespace act::http
