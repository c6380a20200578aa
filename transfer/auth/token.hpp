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

/// Sends the source's token with every request; one request at a time renews it, five minutes before its end
/// or after a 401. Never sends it in plain text beyond this machine (kind::configuration).
std::shared_ptr<http::authorizer> bearer(std::shared_ptr<token_source>);

}  // namespace act::auth
