#include <arpa/inet.h>
#include <map>
#include <memory>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "engine/http/tls.hpp"

namespace act::http {

namespace {

// AES-128-GCM first: the fastest here, and as safe as the rest.
constexpr auto ciphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr auto ciphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

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

}  // namespace

// ---- client

struct session_release {
    void operator()(SSL_SESSION* s) const { SSL_SESSION_free(s); }
};
using held_session = std::unique_ptr<SSL_SESSION, session_release>;

/// Where a session comes from.
struct session_origin {
    std::string peer, address;
};

struct tls_client_context::session_cache {
    struct of_peer {
        held_session last;
        std::map<std::string, held_session> by_address;
    };
    std::mutex mutex;
    std::map<std::string, of_peer> sessions;
    static constexpr std::size_t most = 256;
    static constexpr std::size_t most_addresses = 64;

    static held_session another(SSL_SESSION* session) {
        SSL_SESSION_up_ref(session);
        return held_session(session);
    }
    void store(const session_origin& from, held_session session) {
        std::lock_guard lock(mutex);
        if (sessions.size() >= most && !sessions.contains(from.peer)) sessions.erase(sessions.begin());
        of_peer& kept = sessions[from.peer];
        if (!from.address.empty()) {
            if (kept.by_address.size() >= most_addresses) kept.by_address.clear();
            kept.by_address[from.address] = another(session.get());
        }
        kept.last = std::move(session);
    }
    held_session find(const session_origin& from) {
        std::lock_guard lock(mutex);
        const auto peer = sessions.find(from.peer);
        if (peer == sessions.end()) return nullptr;
        const auto own = peer->second.by_address.find(from.address);
        SSL_SESSION* best =
            own == peer->second.by_address.end() ? peer->second.last.get() : own->second.get();
        // OpenSSL marks a session of TLS 1.3 as used up when it has been resumed. Tickets are good for more,
        // and many connections begin before the next ones come.
        return held_session(SSL_SESSION_dup(best));
    }
};

struct tls_callbacks {
    static int origin_index() {
        static const int index = SSL_get_ex_new_index(
            0, nullptr, nullptr, nullptr, [](void*, void* data, CRYPTO_EX_DATA*, int, long, void*) {
                delete static_cast<session_origin*>(data);
            });
        return index;
    }

    static int cache_index() {
        static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        return index;
    }

    static int new_session(SSL* ssl, SSL_SESSION* session) {
        const auto* origin = static_cast<const session_origin*>(SSL_get_ex_data(ssl, origin_index()));
        auto* cache = static_cast<tls_client_context::session_cache*>(
            SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), cache_index()));
        if (!origin || !cache) return 0;
        cache->store(*origin, held_session(session));
        return 1;
    }
};

result<std::unique_ptr<tls_client_context>> tls_client_context::make(const std::string& ca_file) {
    std::unique_ptr<tls_client_context> made(new tls_client_context);
    made->context_ = new_context(TLS_client_method());
    if (!made->context_) return error(kind::internal, "cannot set up TLS: " + tls_reason());
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
                                                                 const std::string& peer,
                                                                 const std::string& address) {
    SSL* ssl = SSL_new(context_);
    if (!ssl) return error(kind::internal, "cannot set up TLS: " + tls_reason());
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
    auto* origin = new session_origin{peer, address};
    SSL_set_ex_data(ssl, tls_callbacks::origin_index(), origin);
    if (const auto earlier = cache_->find(*origin)) SSL_set_session(ssl, earlier.get());
    return session;
}

// ---- server

result<std::unique_ptr<tls_server_context>> tls_server_context::make(const std::string& certificate,
                                                                     const std::string& key) {
    std::unique_ptr<tls_server_context> made(new tls_server_context);
    made->context_ = new_context(TLS_server_method());
    if (!made->context_) return error(kind::internal, "cannot set up TLS: " + tls_reason());
    constexpr auto advice = "give PEM files: the certificate with its chain, and its key";
    if (SSL_CTX_use_certificate_chain_file(made->context_, certificate.c_str()) != 1) {
        return error(kind::configuration, "cannot use the certificate " + certificate + ": " + tls_reason(),
                     advice);
    }
    if (SSL_CTX_use_PrivateKey_file(made->context_, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(made->context_) != 1) {
        return error(kind::configuration, "cannot use the key " + key + ": " + tls_reason(), advice);
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
    if (!ssl) return error(kind::internal, "cannot set up TLS: " + tls_reason());
    auto session = std::make_unique<tls_session>(ssl);
    SSL_set_accept_state(ssl);
    return session;
}

}  // namespace act::http
