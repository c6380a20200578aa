#pragma once

#include <string>

#include "engine/codec/hash.hpp"
#include "transfer/ops/ops.hpp"

namespace act::ops {

/// Whether the content is to be hashed for a comparison with the blob's Content-MD5. `proven`: act wrote the
/// blob, and its content is verified without. kind::integrity when there is none, and one is required.
result<bool> wants_md5(md5_check, const blob::properties&, bool proven);
/// Compares; `finish`es the digest. kind::integrity when it differs, but under md5_check::log, which warns.
result<void> compare_md5(md5_check, const blob::properties&, codec::digest&);

/// As Content-MD5 has it.
std::string md5_header(codec::digest&);

}  // namespace act::ops
