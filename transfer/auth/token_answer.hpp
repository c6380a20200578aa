#pragma once

#include <string_view>

#include "transfer/auth/token.hpp"

/// What all sources of tokens share. Private to this folder.
namespace act::auth {

/// The resource that tokens are asked for, and the same as a scope.
inline constexpr std::string_view storage_resource = "https://storage.azure.com/";
inline constexpr std::string_view storage_scope = "https://storage.azure.com/.default";

/// Reads the JSON in which tokens are given: access_token (or the az program's accessToken) with expires_in,
/// expires_on or expiresOn. Messages hold nothing of the text.
result<access_token> read_token(std::string_view json, wall_time now);
/// What an answer that is none says of the reason, in one line; empty: nothing.
std::string read_refusal(std::string_view json);

}  // namespace act::auth
