#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/core/result.hpp"
#include "engine/core/secret.hpp"
#include "engine/http/message.hpp"

/// How blobs are encrypted at rest where the account's own key is not to do it: with a key that the customer
/// keeps and sends along with every request, or by an encryption scope, a key that the service keeps by name.
/// The header names are those of the service's specification (CpkInfo, CpkScopeInfo). A request carries one
/// or the other.
namespace act::blob {

/// A customer-provided key. It goes only where nobody else can read it: over TLS, or within this machine.
class customer_key {
public:
    /// `text` is the base64 of 32 bytes. `sha256`, the base64 of the key's SHA-256, is checked if it is
    /// given. kind::configuration otherwise; the message says nothing of the key.
    static result<std::shared_ptr<const customer_key>> read(const secret& text, std::string_view sha256 = {});

    const secret& text() const { return text_; }  ///< base64
    const std::string& sha256() const { return sha256_; }

    /// x-ms-encryption-key, -key-sha256, -algorithm.
    void add_to(http::fields&) const;
    /// The same for the blob that a copy reads: x-ms-source-encryption-...
    void add_as_source_to(http::fields&) const;
    static void remove_from(http::fields&);

private:
    customer_key(secret text, std::string sha256) : text_(std::move(text)), sha256_(std::move(sha256)) {}
    void add(http::fields&, std::string prefix) const;

    secret text_;
    std::string sha256_;
};

/// What a blob is written with, and read with; neither: the account's own key.
struct encryption {
    std::shared_ptr<const customer_key> key{};
    std::string scope{};

    bool given() const { return key || !scope.empty(); }
    /// The key's SHA-256, or nothing.
    std::string_view key_sha256() const { return key ? std::string_view(key->sha256()) : std::string_view(); }
};

/// A name that an encryption scope can have: 3 to 63 lower-case letters, digits and single hyphens between
/// them, or that of the account's own key. kind::usage otherwise.
result<void> check_scope(std::string_view name);

/// The service's codes for blobs that are under another key or scope than the request's, or under none.
inline constexpr std::string_view needs_encryption = "BlobUsesCustomerSpecifiedEncryption";
inline constexpr std::string_view needs_no_encryption = "BlobDoesNotUseCustomerSpecifiedEncryption";
inline constexpr std::string_view other_encryption = "BlobCustomerSpecifiedEncryptionMismatch";
/// Whether a code is one of them.
bool is_of_encryption(std::string_view code);

/// How the service calls the account's own key where a scope is told.
inline constexpr std::string_view account_scope = "$account-encryption-key";

/// The first x-ms-version with source keys (blob-rest.md section 2).
inline constexpr const char* source_key_version = "2026-04-06";

}  // namespace act::blob
