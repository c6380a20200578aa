#pragma once

#include <string>
#include <string_view>

#include "engine/codec/hash.hpp"

/// What must not travel with the code. The rule is small on purpose, so that people can know it: some names,
/// and some marks in files of up to a MiB. Private to this folder.
namespace act::stage {

inline constexpr std::size_t scanned_size = 1 << 20;

/// Why a file of this name (relative to the root) is taken for a secret; empty when it is not.
std::string_view secret_name(std::string_view name);
/// The same for its content: an account key, a SAS or a private key.
std::string_view secret_content(codec::bytes_view content);

/// The same for the YAML files below aux_data: a password or token that stands in one, such as
/// docker.password, and not as env:NAME or file:PATH. Judged strictly in aux_data/aml, whose files nodes do
/// not need.
std::string_view secret_setting(std::string_view name, codec::bytes_view content);

}  // namespace act::stage
