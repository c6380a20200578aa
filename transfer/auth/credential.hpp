#pragma once

#include <memory>
#include <string>

#include "engine/core/secret.hpp"
#include "engine/http/client.hpp"

namespace act::auth {

/// SharedKey (blob-rest.md section 3). Fails with kind::configuration if the key is not base64.
result<std::shared_ptr<http::authorizer>> shared_key(std::string account, const secret& key);
/// Appends a SAS to every request. Fails with kind::configuration if it has no `sig`, with
/// kind::authentication, naming the time, if it has expired.
result<std::shared_ptr<http::authorizer>> shared_access_signature(const secret& sas, wall_time now);
/// No credential: public containers.
std::shared_ptr<http::authorizer> anonymous();

/// The string that SharedKey signs, for tests, for Blob Batch parts and for the embedded store's check.
std::string shared_key_string(std::string_view method, std::string_view account, std::string_view target,
                              const http::fields&, std::uint64_t content_length);

}  // namespace act::auth
