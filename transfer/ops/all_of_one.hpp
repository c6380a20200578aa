#pragma once

#include <functional>

#include "transfer/ops/ops.hpp"

namespace act::ops {

/// Calls `each` for the blob at just that path and, by what the query includes, for its snapshots or
/// versions: they come first among what begins with its name. Ends at the first name that is another one.
task<result<void>> all_of_one(const remote&, blob::list_options query, until,
                              const std::function<task<result<void>>(const blob::properties&)>& each);

}  // namespace act::ops
