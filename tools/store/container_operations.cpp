// Containers (blob-rest.md section 10).
#include "tools/store/access.hpp"
#include "tools/store/conditions.hpp"
#include "tools/store/headers.hpp"
#include "transfer/blob/encryption.hpp"

namespace act::store {

namespace {

outcome<std::string_view> read_public_access(const call& c) {
    const std::string_view text = c.header("x-ms-blob-public-access");
    if (text.empty() || text == "blob" || text == "container") return text;
    return invalid_header("x-ms-blob-public-access", text);
}

constexpr const char* scope_header = "x-ms-default-encryption-scope";
constexpr const char* only_scope_header = "x-ms-deny-encryption-scope-override";

outcome<> read_default_scope(const call& c, container_record& k) {
    const std::string_view scope = c.header(scope_header), only = c.header(only_scope_header);
    if (!scope.empty() && !blob::check_scope(scope)) return invalid_header(scope_header, scope);
    k.only_default_scope = http::same_name(only, "true");
    if (!only.empty() && !k.only_default_scope && !http::same_name(only, "false"))
        return invalid_header(only_scope_header, only);
    if (k.only_default_scope && scope.empty()) return missing_header(scope_header);
    k.default_scope = scope;
    return {};
}

// The record with a new ETag and date.
void save_changed(writer& w, const call& c, container_record& k) {
    k.etag = next_etag(c.at(), k.etag);
    k.modified = c.at();
    w.put(table::containers, c.container, encode(k));
}

reply changed_container(int status, const container_record& k) {
    reply out = reply::of(status);
    add_version_headers(out.headers, k.etag, k.modified);
    return out;
}

}  // namespace

answer create_container(service& s, writer& w, call& c) {
    if (load_container(w, c.container)) return failure(codes::container_exists);
    ACT_TRY(const std::string metadata, read_metadata(c));
    container_record k;
    ACT_TRY(k.public_access, read_public_access(c));
    ACT_TRY_VOID(read_default_scope(c, k));
    k.id = s.files->next_id();
    k.etag = next_etag(c.at(), 0);
    k.modified = c.at();
    k.metadata = metadata;
    w.put(table::containers, c.container, encode(k));
    return changed_container(201, k);
}

answer delete_container(service&, writer& w, call& c) {
    ACT_TRY(const auto k, existing_container(w, c));
    ACT_TRY_VOID(check_lease(c, k.lease, leased::container, true));
    ACT_TRY_VOID(check_conditions(c, state::of(k), purpose::write));
    // Its id is never used again: what was in it is out of reach at once, and removed in the background.
    w.put(table::doomed, number_key(k.id).view(), c.container);
    w.erase(table::containers, c.container);
    return reply::of(202);
}

answer get_container(service&, const reader& r, call& c) {
    ACT_TRY(const auto k, existing_container(r, c));
    ACT_TRY_VOID(check_lease(c, k.lease, leased::container, false));
    reply out = changed_container(200, k);
    add_metadata_headers(out.headers, k.metadata);
    add_lease_headers(out.headers, k.lease, c.at());
    if (!k.public_access.empty()) out.headers.add("x-ms-blob-public-access", k.public_access);
    out.headers.add("x-ms-has-immutability-policy", "false");
    out.headers.add("x-ms-has-legal-hold", "false");
    out.headers.add(scope_header, k.default_scope.empty() ? blob::account_scope : k.default_scope);
    out.headers.add(only_scope_header, k.only_default_scope ? "true" : "false");
    return out;
}

answer set_container_metadata(service&, writer& w, call& c) {
    ACT_TRY(auto k, existing_container(w, c));
    ACT_TRY_VOID(check_lease(c, k.lease, leased::container, false));
    ACT_TRY_VOID(check_conditions(c, state::of(k), purpose::write));
    ACT_TRY(const std::string metadata, read_metadata(c));
    k.metadata = metadata;
    save_changed(w, c, k);
    return changed_container(200, k);
}

answer get_container_acl(service&, const reader& r, call& c) {
    ACT_TRY(const auto k, existing_container(r, c));
    ACT_TRY_VOID(check_lease(c, k.lease, leased::container, false));
    reply out = changed_container(200, k);
    if (!k.public_access.empty()) out.headers.add("x-ms-blob-public-access", k.public_access);
    out.headers.add("Content-Type", "application/xml");
    out.text = k.policies.empty() ? "<?xml version=\"1.0\" encoding=\"utf-8\"?><SignedIdentifiers />"
                                  : std::string(k.policies);
    return out;
}

answer set_container_acl(service&, writer& w, call& c) {
    ACT_TRY(auto k, existing_container(w, c));
    ACT_TRY_VOID(check_lease(c, k.lease, leased::container, false));
    ACT_TRY_VOID(check_conditions(c, state::of(k), purpose::write));
    ACT_TRY(k.public_access, read_public_access(c));
    ACT_TRY(const auto policies, read_policies(c.body));
    k.policies = policies.empty() ? std::string_view() : std::string_view(c.body);
    save_changed(w, c, k);
    return changed_container(200, k);
}

}  // namespace act::store
