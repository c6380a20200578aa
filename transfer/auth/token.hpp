#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/core/clock.hpp"
#include "engine/core/secret.hpp"
#include "engine/http/client.hpp"

namespace act::auth {

/// A Microsoft Entra access token for Blob storage.
struct access_token {
    secret text;
    wall_time expires{};
};

/// Where tokens come from. One call at a time.
class token_source {
public:
    virtual ~token_source() = default;
    virtual task<result<access_token>> obtain(until) = 0;
};

using environment = std::map<std::string, std::string>;

/// Whoever is logged in with `az login`: asks the program, without a shell.
std::shared_ptr<token_source> azure_cli(runtime&, std::string program = "az");
/// The identity of the machine: App Service (IDENTITY_ENDPOINT), Azure ML (MSI_ENDPOINT), else the metadata
/// service of a virtual machine. AZURE_CLIENT_ID chooses among several.
result<std::shared_ptr<token_source>> managed_identity(http::client&, const environment&);
/// AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
result<std::shared_ptr<token_source>> service_principal(http::client&, const environment&);
/// AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, whose content is exchanged for a token.
result<std::shared_ptr<token_source>> workload_identity(http::client&, const environment&);

/// One token for all who need it, kept good. Thread-safe.
class live_token {
public:
    virtual ~live_token() = default;
    /// What may be shown now: obtained when first asked for, and again five minutes before its end. One
    /// caller at a time obtains; as long as the last one is good, nobody waits for that or fails by it.
    virtual task<result<secret>> current(until) = 0;
    /// After a refusal: true when there is another one and one more try is worth it.
    virtual task<bool> refresh(until) = 0;
};
std::shared_ptr<live_token> keep(std::shared_ptr<token_source>);

/// The value of the Authorization header.
secret as_bearer(const secret& token);
/// TLS, or this machine: tokens go nowhere else.
bool keeps_tokens_secret(const http::endpoint&);
/// Sends the token with every request, another one after a 401; kind::configuration where it would not stay
/// secret.
std::shared_ptr<http::authorizer> bearer(std::shared_ptr<live_token>);

}  // namespace act::auth
