#pragma once

#include <string>
#include <string_view>

#include "engine/core/result.hpp"
#include "engine/core/uri.hpp"

namespace act::blob {

/// What the URL of a container, a folder or a blob leads to, without any query.
struct blob_url {
    std::string account;
    uri endpoint;  ///< of the account; for emulators with the account as its path
    std::string container;
    std::string path;  ///< decoded, without a slash at the end; empty: the whole container
};

/// The path of the account's endpoint within a URL: "/ACCOUNT" for emulators (told by a host that is an
/// address or has no dot), else empty.
std::string endpoint_path(const uri&);

/// kind::usage for a URL that names no container; else names are checked by the service's rules. `base` is
/// the path of the endpoint.
result<blob_url> split_url(const uri&, std::string_view base);
inline result<blob_url> split_url(const uri& u) { return split_url(u, endpoint_path(u)); }

}  // namespace act::blob
