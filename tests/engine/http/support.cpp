#include "tests/engine/http/support.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <filesystem>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace act::http::test {

namespace {

int listen_anywhere(std::uint16_t& port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) throw std::runtime_error("bind");
    socklen_t size = sizeof a;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    port = ntohs(a.sin_port);
    return fd;
}

}  // namespace

raw_server::raw_server(script s) : script_(std::move(s)) {
    listener_ = listen_anywhere(port_);
    ::listen(listener_, 64);
    acceptor_ = std::thread([this] { accept_all(); });
}

raw_server::~raw_server() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (auto& t : connections_) t.join();
}

void raw_server::accept_all() {
    for (;;) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        const int number = accepted_++;
        connections_.emplace_back([this, fd, number] {
            script_(fd, number);
            ::close(fd);
        });
    }
}

void send_text(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string read_head(int fd) {
    std::string head;
    char c;
    while (head.find("\r\n\r\n") == std::string::npos) {
        if (::recv(fd, &c, 1, 0) != 1) return {};
        head.push_back(c);
    }
    return head;
}

std::string read_exactly(int fd, std::size_t bytes) {
    std::string text(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
        const ssize_t n = ::recv(fd, text.data() + done, bytes - done, 0);
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
    }
    text.resize(done);
    return text;
}

std::string read_to_end(int fd) {
    std::string text;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(n));
    }
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) throw std::runtime_error("connect");
    return fd;
}

std::uint16_t dead_port() {
    std::uint16_t port = 0;
    // Bound but not listening, and never closed: nobody else gets it while the test runs.
    listen_anywhere(port);
    return port;
}

temp_dir::temp_dir() {
    std::string pattern_text = (std::filesystem::temp_directory_path() / "act-http-XXXXXX").string();
    path_ = ::mkdtemp(pattern_text.data());
}

temp_dir::~temp_dir() { std::filesystem::remove_all(path_); }

std::string pattern(std::size_t size, unsigned seed) {
    std::string text(size, '\0');
    std::uint64_t x = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (char& c : text) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        c = static_cast<char>(x);
    }
    return text;
}

// ---- certificates

namespace {

EVP_PKEY* new_key() { return EVP_EC_gen("P-256"); }

void add_extension(X509* x, X509* issuer, int which, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
    X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str());
    if (!e) throw std::runtime_error("certificate extension " + value);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

X509* new_certificate(EVP_PKEY* key, const std::string& name, X509* issuer, EVP_PKEY* issuer_key,
                      long serial) {
    X509* x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 24 * 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
    if (!issuer) add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
    (void)issuer_key;
    return x;
}

void write_pem(const std::string& path, X509* x, EVP_PKEY* key) {
    FILE* f = ::fopen(path.c_str(), "w");
    if (x) PEM_write_X509(f, x);
    if (key) PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr);
    ::fclose(f);
}

}  // namespace

certificate_files make_certificate(const temp_dir& dir, const std::string& tag,
                                   const std::vector<std::string>& names) {
    EVP_PKEY* ca_key = new_key();
    X509* ca = new_certificate(ca_key, "act test CA " + tag, nullptr, ca_key, 1);
    X509_sign(ca, ca_key, EVP_sha256());
    EVP_PKEY* key = new_key();
    X509* leaf = new_certificate(key, names.front(), ca, ca_key, 2);
    std::string alternatives;
    for (const auto& n : names) {
        in6_addr ignored;
        const bool numeric =
            ::inet_pton(AF_INET, n.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, n.c_str(), &ignored) == 1;
        alternatives += (alternatives.empty() ? "" : ",") + std::string(numeric ? "IP:" : "DNS:") + n;
    }
    add_extension(leaf, ca, NID_subject_alt_name, alternatives);
    X509_sign(leaf, ca_key, EVP_sha256());
    certificate_files out{dir.path(tag + ".pem"), dir.path(tag + ".key"), dir.path(tag + "-ca.pem")};
    write_pem(out.certificate, leaf, nullptr);
    write_pem(out.key, nullptr, key);
    write_pem(out.ca, ca, nullptr);
    X509_free(leaf), X509_free(ca);
    EVP_PKEY_free(key), EVP_PKEY_free(ca_key);
    return out;
}

// ---- rig

namespace {
runtime_options with_loops(unsigned n) {
    runtime_options o;
    o.loops = n;
    o.blocking_threads = 2;
    return o;
}
}  // namespace

rig::rig(server::handler h, client_options c, server_options s, unsigned loops)
    : threads(with_loops(loops)), server(threads, std::move(s), std::move(h)), client(threads, std::move(c)) {
    if (auto ok = server.start(); !ok) throw std::runtime_error(ok.error().message());
    where = {"127.0.0.1", server.port(), server.url().starts_with("https")};
}

rig::~rig() {
    threads.run(client.close());
    threads.run(server.stop(std::chrono::seconds(5)));
}

task<result<answer>> fetch(client& c, endpoint to, request r, body b, until u) {
    auto x = co_await c.send(to, r, b, u);
    if (!x) co_return x.error();
    auto text = co_await x->read_all(1 << 30, u);
    if (!text) co_return text.error();
    answer out{x->head().status, std::move(*text), x->head().headers};
    co_return out;
}

request make_request(verb v, std::string target) {
    request r;
    r.method = v;
    r.target = std::move(target);
    return r;
}

}  // namespace act::http::test
