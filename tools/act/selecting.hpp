#pragma once

#include "tools/act/verb.hpp"
#include "transfer/plan/selection.hpp"

namespace act::cli {

/// What the call's --include, --exclude, --min-size and their kin choose; reads the files of --include-from
/// and
/// --exclude-from. kind::usage for a rule that means nothing, kind::not_found for a file that is not there.
result<plan::selection> selection_of(const invocation&);

}  // namespace act::cli
