#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"
#include "engine/core/secret.hpp"
#include "engine/http/address.hpp"

namespace act::http {

/// A forward proxy: it is asked for a tunnel (CONNECT) to an https endpoint, and passes on requests for a
/// plain one whose target is a whole URL.
struct proxy {
    std::string host;
    std::uint16_t port = 80;
    std::string variable;  ///< where it was found: "HTTPS_PROXY"
    secret authorization;  ///< the value of Proxy-Authorization; empty: none is known

    /// "the proxy squid:3128 (HTTPS_PROXY)": without credentials.
    std::string name() const;
    /// What a status of 407, or one that refuses a tunnel to `target` ("host:443"), means.
    error refusal(int status, std::string_view reason, const std::string& target) const;
};

/// Which proxy requests go through, as the environment says: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY,
/// or the same in small letters.
class proxy_rules {
public:
    /// None.
    proxy_rules() = default;
    explicit proxy_rules(const std::map<std::string, std::string>& environment);

    /// The proxy for an endpoint; none: straight there, as always to this machine. kind::configuration,
    /// naming the variable, when what applies is no proxy that can be used.
    result<std::optional<proxy>> route(const std::string& host, std::uint16_t port, bool tls) const;

private:
    /// One word of NO_PROXY.
    struct exception {
        std::string suffix;  ///< of a name, with its leading dot; empty: an address
        bool itself = true;  ///< the name without that dot as well
        address network;     ///< the first `bits` of it
        unsigned bits = 0;
        std::uint16_t port = 0;  ///< 0: any
    };
    struct variable {
        std::string name, value;
    };
    void except(std::string_view word);
    bool excepted(const std::string& host, std::uint16_t port) const;

    variable https_, http_, all_;
    std::vector<exception> exceptions_;
    bool none_ = false;  ///< "*"
};

}  // namespace act::http
