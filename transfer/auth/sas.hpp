#pragma once

#include <map>
#include <optional>
#include <string>

#include "engine/core/clock.hpp"
#include "engine/core/result.hpp"
#include "engine/core/secret.hpp"

namespace act::auth {

/// The fields of a SAS by their query names, decoded. One type for all three forms (blob-rest.md
/// section 4.4).
struct sas {
    enum class form { account, service, user_delegation };
    std::map<std::string, std::string> parameters;  ///< without sig
    secret signature;

    sas::form form() const;
    const std::string& get(const std::string& name) const;
    std::optional<wall_time> starts() const;
    std::optional<wall_time> expires() const;
    /// "sv=...&sig=...": to be put behind '?' or '&'.
    secret query() const;
};

/// With or without a leading '?'. Nothing when there is no sig.
std::optional<sas> parse_sas(std::string_view query);

/// What the key signs, by the form and `sv` of the SAS. `blob` may be empty (container SAS); names are
/// decoded.
std::string string_to_sign(const sas&, std::string_view account, std::string_view container,
                           std::string_view blob);

struct sas_request {
    std::string container;  ///< service SAS; with `blob` empty it covers the container
    std::string blob;
    std::string permissions = "r";
    std::optional<wall_time> start;
    wall_time expiry{};
    bool https_only = true;
    std::string ip;
};
/// Mints a service SAS with the account key.
result<sas> mint_service_sas(const std::string& account, const secret& key, const sas_request&);

struct account_sas_request {
    std::string permissions, services = "b", resource_types = "co";
    std::optional<wall_time> start;
    wall_time expiry{};
    bool https_only = true;
    std::string ip;
};
result<sas> mint_account_sas(const std::string& account, const secret& key, const account_sas_request&);

}  // namespace act::auth
