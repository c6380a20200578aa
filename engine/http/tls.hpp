#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/result.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct bio_st;

namespace act::http {

/// Memory that lends itself to one batch of TLS records; kept warm per thread.
class tls_buffer {
public:
    tls_buffer() = default;
    tls_buffer(const tls_buffer&) = delete;
    tls_buffer& operator=(const tls_buffer&) = delete;
    ~tls_buffer() { release(); }

    void append(const void* data, std::size_t size);
    std::span<const std::byte> view() const { return {data_ + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }
    /// Takes bytes off the front; the memory goes back when none are left.
    void consume(std::size_t bytes);
    void release();

private:
    std::byte* data_ = nullptr;
    std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

/// TLS without a socket: ciphertext is fed in and taken out by the caller, so that one system call moves many
/// records. Belongs to one connection.
class tls_session {
public:
    /// Most plaintext to encrypt before the result is sent.
    static constexpr std::size_t batch = 256 * 1024;

    explicit tls_session(ssl_st*);
    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    enum class step { done, wants_input, failed };
    step handshake();
    /// Decrypts into `into`: bytes, 0 when more input is needed or the peer has closed, or an error.
    result<std::size_t> read(std::span<std::byte> into);
    /// Appends records to output(); at most `batch` bytes in all per flush.
    result<void> write(const void* data, std::size_t size);
    /// Ciphertext from the peer. It must stay in place until settle().
    void feed(std::span<const std::byte> cipher);
    /// Keeps a copy of what of the fed bytes was not used.
    void settle();
    /// Ciphertext for the peer.
    tls_buffer& output() { return out_; }

    bool closed_by_peer() const;
    /// The handshake was a short one, from a session of earlier.
    bool resumed() const;
    /// True when plaintext can be read without more input.
    bool readable();
    void say_goodbye();
    /// What went wrong, in OpenSSL's words.
    std::string reason() const { return reason_; }
    /// The certificate was refused (not the network's or the protocol's fault).
    bool untrusted() const { return untrusted_; }

private:
    friend struct tls_bio;
    void note_failure();

    ssl_st* ssl_;
    tls_buffer out_;
    tls_buffer kept_;
    std::span<const std::byte> fed_;
    std::string reason_;
    bool untrusted_ = false;
};

/// The client's side: trusted roots and sessions to resume. Made at the first https request; thread-safe
/// afterwards.
class tls_client_context {
public:
    /// kind::configuration when no trust store can be found or read.
    static result<std::unique_ptr<tls_client_context>> make(const std::string& ca_file);
    ~tls_client_context();
    /// `peer` ("host:port") names the sessions to resume, the last one from `address` before the last one of
    /// all: those who answer for a name may share the keys of their tickets, or may not.
    result<std::unique_ptr<tls_session>> connect(const std::string& host, const std::string& peer,
                                                 const std::string& address);
    /// Which roots are used, for messages.
    const std::string& roots() const { return roots_; }

private:
    tls_client_context() = default;
    friend struct tls_callbacks;
    struct session_cache;
    std::unique_ptr<session_cache> cache_;
    ssl_ctx_st* context_ = nullptr;
    std::string roots_;
};

class tls_server_context {
public:
    /// PEM files. kind::configuration when they cannot be read or do not belong together.
    static result<std::unique_ptr<tls_server_context>> make(const std::string& certificate,
                                                            const std::string& key);
    ~tls_server_context();
    result<std::unique_ptr<tls_session>> accept();

private:
    tls_server_context() = default;
    ssl_ctx_st* context_ = nullptr;
};

/// The oldest entry of OpenSSL's error queue, in words; empties the queue.
std::string tls_reason();

/// Loads trusted roots into `context`: `ca_file`, else SSL_CERT_FILE and SSL_CERT_DIR, else where
/// distributions keep them (a hashed directory before a bundle: it costs nothing to open). Returns what was
/// chosen.
result<std::string> load_roots(ssl_ctx_st* context, const std::string& ca_file);

}  // namespace act::http
