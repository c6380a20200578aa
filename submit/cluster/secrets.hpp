#pragma once

#include <string>

#include "submit/cluster/cluster.hpp"

namespace act::cluster {

/// Does a password or token stand in these settings themselves, and not as env:NAME or file:PATH?
bool holds_secret(const config&);
/// The same of the text of one cluster file, whatever other files say. Also true of a text that cannot be
/// read as YAML: what is in it cannot be told.
bool holds_secret(const std::string& text);
/// The same of YAML that may be anything, by names and values that look like it (pad_token: <pad> does not);
/// what cannot be read counts as none.
bool seems_to_hold_secret(const std::string& text);

}  // namespace act::cluster
