#include <new>
#include <stdexcept>

#include <libdeflate.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "engine/codec/hash.hpp"

namespace act::codec {

namespace {

void check(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

/// Fetching takes a lock and a search: once per process, never freed.
const EVP_MD* fetched(digest::algorithm a) {
    // "-fips": as a checksum of content MD5 is wanted also where a system-wide setting asks for FIPS
    // algorithms.
    static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", "-fips");
    static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    const EVP_MD* const md = a == digest::algorithm::md5 ? md5 : sha256;
    check(md != nullptr, a == digest::algorithm::md5 ? "MD5 is not available" : "SHA-256 is not available");
    return md;
}

struct free_context {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
    void operator()(EVP_MAC_CTX* c) const { EVP_MAC_CTX_free(c); }
};

}  // namespace

std::uint32_t crc32(std::uint32_t crc, bytes_view data) {
    // libdeflate answers 0, the initial value, to a null pointer.
    return data.empty() ? crc : libdeflate_crc32(crc, data.data(), data.size());
}

struct digest::state {
    const EVP_MD* md;
    std::unique_ptr<EVP_MD_CTX, free_context> context;
};

digest::digest(algorithm a) : state_(std::make_unique<state>()) {
    state_->md = fetched(a);
    state_->context.reset(EVP_MD_CTX_new());
    if (!state_->context) throw std::bad_alloc();
    check(EVP_DigestInit_ex2(state_->context.get(), state_->md, nullptr), "cannot start a digest");
}
digest::~digest() = default;
digest::digest(digest&&) noexcept = default;
digest& digest::operator=(digest&&) noexcept = default;

void digest::update(bytes_view data) {
    check(EVP_DigestUpdate(state_->context.get(), data.data(), data.size()), "digest update");
}

std::string digest::finish() {
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(state_->md)), '\0');
    unsigned size = 0;
    check(EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(out.data()), &size),
          "digest end");
    check(EVP_DigestInit_ex2(state_->context.get(), state_->md, nullptr), "cannot start a digest");
    return out;
}

std::string md5_of(bytes_view data) {
    digest d(digest::algorithm::md5);
    d.update(data);
    return d.finish();
}

std::string sha256_of(bytes_view data) {
    digest d(digest::algorithm::sha256);
    d.update(data);
    return d.finish();
}

struct hmac_sha256::state {
    std::unique_ptr<EVP_MAC_CTX, free_context> context;
};

hmac_sha256::hmac_sha256(std::string_view raw_key) : state_(std::make_unique<state>()) {
    static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    check(mac != nullptr, "HMAC is not available");
    state_->context.reset(EVP_MAC_CTX_new(mac));
    if (!state_->context) throw std::bad_alloc();
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                     OSSL_PARAM_construct_end()};
    // A null key would mean "the key set before".
    const char* const key = raw_key.empty() ? "" : raw_key.data();
    check(EVP_MAC_init(state_->context.get(), reinterpret_cast<const unsigned char*>(key), raw_key.size(),
                       parameters),
          "cannot set the HMAC key");
}
hmac_sha256::~hmac_sha256() = default;
hmac_sha256::hmac_sha256(hmac_sha256&&) noexcept = default;
hmac_sha256& hmac_sha256::operator=(hmac_sha256&&) noexcept = default;

std::array<std::byte, 32> hmac_sha256::sign(std::string_view message) {
    std::array<std::byte, 32> out;
    std::size_t size = 0;
    EVP_MAC_CTX* const context = state_->context.get();
    check(
        EVP_MAC_init(context, nullptr, 0, nullptr) &&
            EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(message.data()), message.size()) &&
            EVP_MAC_final(context, reinterpret_cast<unsigned char*>(out.data()), &size, out.size()),
        "HMAC");
    return out;
}

}  // namespace act::codec
