#pragma once

#include "tools/store/service.hpp"

namespace act::store {

/// What a store does by itself until it stops: writes the index through, empties deleted containers, forgets
/// blocks that nobody committed for a week and what was deleted longer ago than it is kept, removes data
/// files that are no longer read, and what dead processes left.
task<void> maintain(service&);

/// Removes some of the rows of deleted containers; false when there are none left.
task<bool> empty_deleted_containers(service&);
/// Lets go of what was deleted and can no longer be brought back at `now`.
task<void> empty_trash(service&, nanos now);
/// Forgets uploads that were not touched since `before`.
task<void> expire_uploads(service&, nanos before);

}  // namespace act::store
