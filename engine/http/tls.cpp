#include "engine/http/tls.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <map>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace act::http {

namespace {

// AES-128-GCM first: the fastest here, and as safe as the rest.
constexpr auto ciphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr auto ciphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

std::string openssl_reason() {
    std::string text;
    // The first entry is the cause, the later ones say what could not be done because of it.
    if (const auto code = ERR_get_error()) {
        const char* reason = ERR_reason_error_string(code);
        text = reason ? reason : "unknown TLS error";
    }
    ERR_clear_error();
    return text;
}

SSL_CTX* new_context(const SSL_METHOD* method) {
    SSL_CTX* context = SSL_CTX_new(method);
    if (!context) return nullptr;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_ciphersuites(context, ciphers13);
    SSL_CTX_set_cipher_list(context, ciphers12);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // Idle connections then hold no record buffers (34 KiB each).
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

// ---- memory for output

struct spare_buffers {
    static constexpr std::size_t size = tls_session::batch + 32 * 1024;
    static constexpr std::size_t most = 16;
    std::byte* kept[most] = {};
    std::size_t count = 0;
    ~spare_buffers() {
        while (count != 0) std::free(kept[--count]);
    }
};
thread_local spare_buffers spares;

}  // namespace

void tls_buffer::append(const void* data, std::size_t size) {
    if (!data_ && size <= spare_buffers::size && spares.count != 0) {
        data_ = spares.kept[--spares.count];
        capacity_ = spare_buffers::size;
    }
    if (capacity_ - end_ < size && begin_ != 0) {
        std::memmove(data_, data_ + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (capacity_ - end_ < size) {
        std::size_t want = std::max(capacity_ + capacity_ / 2, end_ + size);
        want = std::max(want, spare_buffers::size);
        auto* grown = static_cast<std::byte*>(std::realloc(data_, want));
        if (!grown) throw std::bad_alloc();
        data_ = grown;
        capacity_ = want;
    }
    std::memcpy(data_ + end_, data, size);
    end_ += size;
}

void tls_buffer::consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) release();
}

void tls_buffer::release() {
    if (data_ && capacity_ == spare_buffers::size && spares.count < spare_buffers::most) {
        spares.kept[spares.count++] = data_;
    } else {
        std::free(data_);
    }
    data_ = nullptr;
    capacity_ = begin_ = end_ = 0;
}

// ---- the BIO between OpenSSL and the session's buffers

struct tls_bio {
    static int read(BIO* bio, char* into, int size) {
        auto* session = static_cast<tls_session*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        auto room = static_cast<std::size_t>(size);
        std::size_t done = 0;
        if (!session->kept_.empty()) {
            const auto have = session->kept_.view();
            done = std::min(room, have.size());
            std::memcpy(into, have.data(), done);
            session->kept_.consume(done);
        }
        if (done < room && !session->fed_.empty()) {
            const auto part = std::min(room - done, session->fed_.size());
            std::memcpy(into + done, session->fed_.data(), part);
            session->fed_ = session->fed_.subspan(part);
            done += part;
        }
        if (done == 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        return static_cast<int>(done);
    }

    static int write(BIO* bio, const char* data, int size) {
        BIO_clear_retry_flags(bio);
        static_cast<tls_session*>(BIO_get_data(bio))->out_.append(data, static_cast<std::size_t>(size));
        return size;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static int create(BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "act records");
            BIO_meth_set_read(m, read);
            BIO_meth_set_write(m, write);
            BIO_meth_set_ctrl(m, control);
            BIO_meth_set_create(m, create);
            return m;
        }();
        return made;
    }
};

// ---- session

tls_session::tls_session(ssl_st* ssl) : ssl_(ssl) {
    BIO* bio = BIO_new(tls_bio::method());
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_, bio, bio);
}

tls_session::~tls_session() {
    // Without a shutdown on both sides OpenSSL would forbid the session's resumption; connections are often
    // just cut.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
}

void tls_session::note_failure() {
    reason_.clear();
    const long verdict = SSL_get_verify_result(ssl_);
    if (verdict != X509_V_OK && !SSL_is_server(ssl_)) {
        untrusted_ = true;
        reason_ = X509_verify_cert_error_string(verdict);
        ERR_clear_error();
        return;
    }
    reason_ = openssl_reason();
    if (reason_.empty()) reason_ = "the connection was cut";
}

tls_session::step tls_session::handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (done == 1) return step::done;
    if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ) return step::wants_input;
    note_failure();
    return step::failed;
}

result<std::size_t> tls_session::read(std::span<std::byte> into) {
    if (fed_.empty() && kept_.empty() && !SSL_has_pending(ssl_)) return std::size_t(0);
    std::size_t done = 0;
    while (done < into.size()) {
        ERR_clear_error();
        std::size_t got = 0;
        const int ok = SSL_read_ex(ssl_, into.data() + done, into.size() - done, &got);
        if (ok == 1) {
            done += got;
            continue;
        }
        const int why = SSL_get_error(ssl_, ok);
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_ZERO_RETURN) break;
        if (done != 0) break;  // the error comes again at the next call
        note_failure();
        return error(kind::unavailable, "TLS: " + reason_);
    }
    return done;
}

result<void> tls_session::write(const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size != 0) {
        ERR_clear_error();
        std::size_t done = 0;
        if (SSL_write_ex(ssl_, at, size, &done) != 1) {
            note_failure();
            return error(kind::unavailable, "TLS: " + reason_);
        }
        at += done;
        size -= done;
    }
    return {};
}

void tls_session::feed(std::span<const std::byte> cipher) { fed_ = cipher; }

void tls_session::settle() {
    if (!fed_.empty()) kept_.append(fed_.data(), fed_.size());
    fed_ = {};
}

bool tls_session::closed_by_peer() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

bool tls_session::resumed() const { return SSL_session_reused(ssl_) == 1; }

bool tls_session::readable() {
    if (fed_.empty() && kept_.empty() && !SSL_has_pending(ssl_)) return false;
    ERR_clear_error();
    char byte;
    const int n = SSL_peek(ssl_, &byte, 1);
    if (n > 0) return true;
    const bool waiting = SSL_get_error(ssl_, n) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    // A close or a broken record is something to read too: reading will report it.
    return !waiting;
}

void tls_session::say_goodbye() {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_)) (void)SSL_shutdown(ssl_);
    ERR_clear_error();
}

// ---- client

struct tls_client_context::session_cache {
    std::mutex mutex;
    std::map<std::string, SSL_SESSION*> sessions;
    static constexpr std::size_t most = 256;

    ~session_cache() {
        for (auto& [name, session] : sessions) SSL_SESSION_free(session);
    }
    void store(const std::string& peer, SSL_SESSION* session) {
        std::lock_guard lock(mutex);
        if (sessions.size() >= most && !sessions.count(peer)) {
            SSL_SESSION_free(sessions.begin()->second);
            sessions.erase(sessions.begin());
        }
        SSL_SESSION*& slot = sessions[peer];
        if (slot) SSL_SESSION_free(slot);
        slot = session;
    }
    SSL_SESSION* find(const std::string& peer) {
        std::lock_guard lock(mutex);
        const auto found = sessions.find(peer);
        if (found == sessions.end()) return nullptr;
        SSL_SESSION_up_ref(found->second);
        return found->second;
    }
};

struct tls_callbacks {
    static int peer_index() {
        static const int index = SSL_get_ex_new_index(
            0, nullptr, nullptr, nullptr, [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
                delete static_cast<std::string*>(data);
            });
        return index;
    }

    static int cache_index() {
        static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        return index;
    }

    static int new_session(SSL* ssl, SSL_SESSION* session) {
        const auto* peer = static_cast<const std::string*>(SSL_get_ex_data(ssl, peer_index()));
        auto* cache = static_cast<tls_client_context::session_cache*>(
            SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), cache_index()));
        if (!peer || !cache) return 0;
        cache->store(*peer, session);
        return 1;
    }
};

result<std::unique_ptr<tls_client_context>> tls_client_context::make(const std::string& ca_file) {
    std::unique_ptr<tls_client_context> made(new tls_client_context);
    made->context_ = new_context(TLS_client_method());
    if (!made->context_) return error(kind::internal, "cannot set up TLS: " + openssl_reason());
    ACT_TRY(made->roots_, load_roots(made->context_, ca_file));
    SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
    made->cache_ = std::make_unique<session_cache>();
    SSL_CTX_set_ex_data(made->context_, tls_callbacks::cache_index(), made->cache_.get());
    SSL_CTX_set_session_cache_mode(made->context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(made->context_, tls_callbacks::new_session);
    return made;
}

tls_client_context::~tls_client_context() { SSL_CTX_free(context_); }

result<std::unique_ptr<tls_session>> tls_client_context::connect(const std::string& host,
                                                                 const std::string& peer) {
    SSL* ssl = SSL_new(context_);
    if (!ssl) return error(kind::internal, "cannot set up TLS: " + openssl_reason());
    auto session = std::make_unique<tls_session>(ssl);
    SSL_set_connect_state(ssl);
    in6_addr numeric;
    if (::inet_pton(AF_INET, host.c_str(), &numeric) == 1 ||
        ::inet_pton(AF_INET6, host.c_str(), &numeric) == 1) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(ssl, host.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, host.c_str()) != 1) {
            return error(kind::configuration, "not a host name that TLS can check: " + host);
        }
    }
    SSL_set_ex_data(ssl, tls_callbacks::peer_index(), new std::string(peer));
    if (SSL_SESSION* earlier = cache_->find(peer)) {
        SSL_set_session(ssl, earlier);
        SSL_SESSION_free(earlier);
    }
    return session;
}

// ---- server

result<std::unique_ptr<tls_server_context>> tls_server_context::make(const std::string& certificate,
                                                                     const std::string& key) {
    std::unique_ptr<tls_server_context> made(new tls_server_context);
    made->context_ = new_context(TLS_server_method());
    if (!made->context_) return error(kind::internal, "cannot set up TLS: " + openssl_reason());
    constexpr auto advice = "give PEM files: the certificate with its chain, and its key";
    if (SSL_CTX_use_certificate_chain_file(made->context_, certificate.c_str()) != 1) {
        return error(kind::configuration,
                     "cannot use the certificate " + certificate + ": " + openssl_reason(), advice);
    }
    if (SSL_CTX_use_PrivateKey_file(made->context_, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(made->context_) != 1) {
        return error(kind::configuration, "cannot use the key " + key + ": " + openssl_reason(), advice);
    }
    SSL_CTX_set_options(made->context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(made->context_, 1);
    static constexpr unsigned char name[] = "act";
    SSL_CTX_set_session_id_context(made->context_, name, sizeof name - 1);
    // Clients that offer HTTP/2 as well are told that it is not spoken here.
    SSL_CTX_set_alpn_select_cb(
        made->context_,
        [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size,
           void*) {
            static constexpr unsigned char ours[] = "\x08http/1.1";
            unsigned char* chosen = nullptr;
            if (SSL_select_next_proto(&chosen, size, ours, sizeof ours - 1, in, in_size) !=
                OPENSSL_NPN_NEGOTIATED) {
                return SSL_TLSEXT_ERR_NOACK;
            }
            *out = chosen;
            return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    return made;
}

tls_server_context::~tls_server_context() { SSL_CTX_free(context_); }

result<std::unique_ptr<tls_session>> tls_server_context::accept() {
    SSL* ssl = SSL_new(context_);
    if (!ssl) return error(kind::internal, "cannot set up TLS: " + openssl_reason());
    auto session = std::make_unique<tls_session>(ssl);
    SSL_set_accept_state(ssl);
    return session;
}

}  // namespace act::http
