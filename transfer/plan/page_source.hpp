#pragma once

#include <string>

#include "engine/async/stop.hpp"
#include "engine/async/task.hpp"
#include "transfer/blob/list_page.hpp"

namespace act::plan {

/// Where the pages of a listing come from. Thread-safe.
class page_source {
public:
    virtual ~page_source() = default;
    /// One request: at most `most` names that begin with `prefix`, from where `marker` was given out (empty:
    /// from the beginning).
    virtual task<result<blob::list_page>> fetch(std::string prefix, std::string marker, unsigned most,
                                                until) = 0;
};

}  // namespace act::plan
