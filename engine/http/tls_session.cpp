#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "engine/http/tls.hpp"

namespace act::http {

namespace {

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

std::string tls_reason() {
    std::string text;
    // The first entry is the cause, the later ones say what could not be done because of it.
    if (const auto code = ERR_get_error()) {
        const char* reason = ERR_reason_error_string(code);
        text = reason ? reason : "unknown TLS error";
    }
    ERR_clear_error();
    return text;
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
    reason_ = tls_reason();
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

}  // namespace act::http
