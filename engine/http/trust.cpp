#include <cstdlib>
#include <dirent.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "engine/http/tls.hpp"

namespace act::http {

namespace {

constexpr auto advice = "set SSL_CERT_FILE to a PEM file of trusted certificates, or install ca-certificates";

// "5ed36f99.0": what c_rehash makes.
bool is_hash_name(std::string_view name) {
    if (name.size() < 10 || name[8] != '.') return false;
    for (char c : name.substr(0, 8)) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return name[9] >= '0' && name[9] <= '9';
}

bool is_hashed_directory(const char* path) {
    DIR* dir = ::opendir(path);
    if (!dir) return false;
    bool found = false;
    while (const dirent* entry = ::readdir(dir)) {
        if (is_hash_name(entry->d_name)) {
            found = true;
            break;
        }
    }
    ::closedir(dir);
    return found;
}

bool load_file(SSL_CTX* context, const char* path) {
    const bool ok = SSL_CTX_load_verify_file(context, path) == 1;
    if (!ok) ERR_clear_error();
    return ok;
}

bool use_directory(SSL_CTX* context, const char* path) {
    const bool ok = SSL_CTX_load_verify_dir(context, path) == 1;
    if (!ok) ERR_clear_error();
    return ok;
}

const char* variable(const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? value : nullptr;
}

}  // namespace

result<std::string> load_roots(ssl_ctx_st* context, const std::string& ca_file) {
    if (!ca_file.empty()) {
        if (load_file(context, ca_file.c_str())) return ca_file;
        return error(kind::configuration, "cannot read trusted certificates from " + ca_file,
                     "give a PEM file that holds at least one certificate");
    }
    const char* file = variable("SSL_CERT_FILE");
    const char* directories = variable("SSL_CERT_DIR");
    if (file || directories) {
        std::string used;
        if (file) {
            if (!load_file(context, file)) {
                return error(kind::configuration,
                             std::string("cannot read trusted certificates from ") + file +
                                 ", which SSL_CERT_FILE names",
                             "let SSL_CERT_FILE name a PEM file, or unset it");
            }
            used = file;
        }
        if (directories && use_directory(context, directories)) {
            if (!used.empty()) used += ", ";
            used += directories;
        }
        if (!used.empty()) return used;
    }
    for (const char* path : {"/etc/ssl/certs", "/etc/pki/tls/certs", "/usr/lib/ssl/certs"}) {
        if (is_hashed_directory(path) && use_directory(context, path)) return std::string(path);
    }
    for (const char* path :
         {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
          "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
          "/var/lib/ca-certificates/ca-bundle.pem"}) {
        if (::access(path, R_OK) == 0 && load_file(context, path)) return std::string(path);
    }
    return error(kind::configuration, "no trusted certificates were found on this machine", advice);
}

}  // namespace act::http
