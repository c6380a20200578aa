#include "tools/store/encryption.hpp"

#include "engine/http/address.hpp"
#include "transfer/blob/encryption.hpp"

namespace act::store {

namespace {

struct key_headers {
    const char *key, *sha256, *algorithm;
};
constexpr key_headers of_target = {"x-ms-encryption-key", "x-ms-encryption-key-sha256",
                                   "x-ms-encryption-algorithm"};
constexpr key_headers of_source = {"x-ms-source-encryption-key", "x-ms-source-encryption-key-sha256",
                                   "x-ms-source-encryption-algorithm"};
constexpr const char* scope_header = "x-ms-encryption-scope";

bool from_this_machine(const call& c) {
    http::address peer;
    const std::string text = c.peer.starts_with("::ffff:") ? c.peer.substr(7) : c.peer;
    return http::parse_address(text, 0, peer) && peer.loopback();
}

/// The SHA-256 of the key that goes along; empty where there is none. All three headers or none, and a key of
/// that hash; what they hold is not shown in the answer.
outcome<std::string_view> read_key(const call& c, const key_headers& in) {
    if (!c.has_header(in.key) && !c.has_header(in.sha256)) {
        // Some SDKs always send the algorithm.
        return std::string_view();
    }
    for (const char* name : {in.key, in.sha256, in.algorithm}) {
        if (!c.has_header(name)) return missing_header(name);
    }
    if (!c.tls && !from_this_machine(c))
        return failure(codes::account_requires_https, "Customer-provided keys are taken over https only.");
    if (c.header(in.algorithm) != "AES256") return invalid_header(in.algorithm, c.header(in.algorithm));
    const auto key = blob::customer_key::read(secret(std::string(c.header(in.key))));
    if (!key) return invalid_header(in.key, {});
    if ((*key)->sha256() != c.header(in.sha256)) return invalid_header(in.sha256, c.header(in.sha256));
    return c.header(in.sha256);
}

outcome<> check_key(std::string_view given, const encryption& there) {
    if (given == there.key_sha256) return {};
    return failure(given.empty()              ? codes::needs_encryption
                   : there.key_sha256.empty() ? codes::needs_no_encryption
                                              : codes::other_encryption);
}

}  // namespace

outcome<encryption> encryption_of_write(const call& c, const container_record& in) {
    encryption out;
    ACT_TRY(out.key_sha256, read_key(c, of_target));
    out.scope = c.header(scope_header);
    if (!out.scope.empty()) {
        if (!blob::check_scope(out.scope)) return invalid_header(scope_header, out.scope);
        if (!out.key_sha256.empty()) return invalid_header(scope_header, out.scope);
    }
    if (in.only_default_scope &&
        (!out.key_sha256.empty() || (!out.scope.empty() && out.scope != in.default_scope)))
        return failure(codes::other_scope_forbidden);
    if (out.none()) out.scope = in.default_scope;
    if (out.scope == blob::account_scope) out.scope = {};
    return out;
}

outcome<> check_read(const call& c, const encryption& there) {
    ACT_TRY(const std::string_view given, read_key(c, of_target));
    return check_key(given, there);
}

outcome<> check_change_in_place(const encryption& asked, const encryption& there) {
    if (asked == there) return {};
    return failure(asked.none()   ? codes::needs_encryption
                   : there.none() ? codes::needs_no_encryption
                                  : codes::other_encryption);
}

outcome<> check_source(const call& c, const encryption& there) {
    // Older versions know no such headers, and so pass over them.
    std::string_view given;
    if (c.version >= blob::source_key_version) {
        ACT_TRY(given, read_key(c, of_source));
    }
    auto good = check_key(given, there);
    if (good) return {};
    return unverified_source(good.error().status(), good.error().name(), good.error().message());
}

void add_source_key(const call& c, http::fields& ask) {
    if (c.version < blob::source_key_version || !c.has_header(of_source.key)) return;
    ask.add(of_target.key, c.header(of_source.key));
    ask.add(of_target.sha256, c.header(of_source.sha256));
    ask.add(of_target.algorithm, c.header(of_source.algorithm));
}

void add_encryption(http::fields& f, const encryption& s) {
    if (!s.key_sha256.empty()) f.add(of_target.sha256, s.key_sha256);
    if (!s.scope.empty()) f.add(scope_header, s.scope);
}

void add_encrypted_write(http::fields& f, const encryption& s) {
    f.add("x-ms-request-server-encrypted", "true");
    add_encryption(f, s);
}

}  // namespace act::store
