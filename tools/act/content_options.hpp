#pragma once

#include <span>

#include "tools/act/copy_pairs.hpp"
#include "tools/act/options.hpp"

namespace act::cli {

/// kind::usage where --preserve-permissions, --put-md5, --blob-type, --check-md5 and --decompress go with
/// something that leaves them without a meaning: --hash or a range, or none of the ways that the data go.
result<void> check_content_options(const options&, std::span<const copy_pair> = {});

/// What there is to say of --preserve-permissions where one end is this machine.
error permissions_are_stored();

}  // namespace act::cli
