#pragma once

#include "tools/store/operation.hpp"

namespace act::store {

/// Checks the credential of a request and whether it covers the operation; fills call::who.
/// SharedKey, the bearer token of the options, account SAS, service SAS (with stored access policies), user
/// delegation SAS, anonymous.
outcome<> authorize(service&, const reader&, const operation&, call&);

/// The check of a copy source in this store: what its URL says (SAS or public), the token in its headers, or,
/// for the asynchronous copy, the requester's own key. `source` has its target parsed.
outcome<> authorize_source(service&, const reader&, call& source, const call& request, bool key_is_enough);

/// The key of a user delegation: derived from the account's, so that nothing has to be stored.
std::string delegation_key(service&, std::string_view oid, std::string_view tid, std::string_view start,
                           std::string_view expiry, std::string_view service_letter,
                           std::string_view version);

/// A stored access policy of a container's ACL document.
struct access_policy {
    std::string id, start, expiry, permissions;
};
/// A failure for documents that are none, and for more than five policies.
outcome<std::vector<access_policy>> read_policies(std::string_view document);

}  // namespace act::store
