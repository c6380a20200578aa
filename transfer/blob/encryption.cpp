#include "transfer/blob/encryption.hpp"

#include <algorithm>

#include "engine/codec/base64.hpp"
#include "engine/codec/hash.hpp"

namespace act::blob {
namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t shortest_scope = 3, longest_scope = 63;
constexpr const char* of_target = "x-ms-encryption-";
constexpr const char* of_source = "x-ms-source-encryption-";

}  // namespace

result<std::shared_ptr<const customer_key>> customer_key::read(const secret& text, std::string_view sha256) {
    auto decoded = codec::base64_decode(text.reveal());
    const secret raw(decoded ? std::move(*decoded) : std::string());
    if (raw.reveal().size() != key_size) {
        return error(kind::configuration, "the customer-provided key is not the base64 of 32 bytes",
                     "make one with `openssl rand -base64 32`, and keep it: without it nobody can read the "
                     "blobs again");
    }
    const std::string sum = codec::sha256_of(codec::as_bytes(raw.reveal()));
    std::string encoded = codec::base64_encode(codec::as_bytes(sum));
    if (!sha256.empty() && sha256 != encoded) {
        return error(kind::configuration,
                     "the customer-provided key does not have the SHA-256 that is given for it",
                     "correct one of the two; the SHA-256 is that of the 32 bytes, in base64");
    }
    return std::shared_ptr<const customer_key>(new customer_key(text, std::move(encoded)));
}

void customer_key::add(http::fields& f, std::string prefix) const {
    f.add(prefix + "key", text_.reveal());
    f.add(prefix + "key-sha256", sha256_);
    f.add(prefix + "algorithm", "AES256");
}

void customer_key::add_to(http::fields& f) const { add(f, of_target); }
void customer_key::add_as_source_to(http::fields& f) const { add(f, of_source); }

void customer_key::remove_from(http::fields& f) {
    for (const char* what : {"key", "key-sha256", "algorithm"}) f.remove(of_target + std::string(what));
}

result<void> check_scope(std::string_view name) {
    if (name == account_scope) return {};
    const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    bool good = name.size() >= shortest_scope && name.size() <= longest_scope && word(name.front()) &&
                word(name.back()) && name.find("--") == name.npos;
    good = good && std::all_of(name.begin(), name.end(), [&](char c) { return word(c) || c == '-'; });
    if (good) return {};
    return error(kind::usage,
                 "an encryption scope cannot be called '" + std::string(name.substr(0, 100)) + "'",
                 "such names are 3 to 63 lower-case letters, digits and single hyphens between them");
}

bool is_of_encryption(std::string_view code) {
    return code == needs_encryption || code == needs_no_encryption || code == other_encryption;
}

}  // namespace act::blob
