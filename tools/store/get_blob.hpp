#pragma once

#include "tools/store/operation.hpp"

namespace act::store {

/// The blob, or the snapshot, that a read is for, after its checks.
outcome<blob_record> readable_blob(const reader&, const call&);
/// Head and segments of a Get Blob; its caller sees to it that the pieces stay.
answer get_blob(service&, const reader&, call&);

}  // namespace act::store
